/** The date formats of C, as far as chat templates ask for them, in English as in its standard locale. */
const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** A date in local time by a format such as `%d %b %Y`; `%-d` is without the leading zero. What is unknown stays. */
export function strftime(date: Date, format: string): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const [month, day] = [MONTHS[date.getMonth()]!, DAYS[date.getDay()]!];
  const parts: Readonly<Record<string, string>> = {
    Y: String(date.getFullYear()),
    y: two(date.getFullYear() % 100),
    m: two(date.getMonth() + 1),
    d: two(date.getDate()),
    B: month,
    b: month.slice(0, 3),
    A: day,
    a: day.slice(0, 3),
    H: two(date.getHours()),
    I: two(date.getHours() % 12 || 12),
    M: two(date.getMinutes()),
    S: two(date.getSeconds()),
    p: date.getHours() < 12 ? 'AM' : 'PM',
    '%': '%',
  };
  return format.replace(/%-?([a-zA-Z%])/g, (whole, letter: string) => {
    const text = parts[letter] ?? whole;
    return whole.startsWith('%-') && text !== whole ? text.replace(/^0(?=.)/, '') : text;
  });
}
