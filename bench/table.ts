/** Results as rows of named values, printed as an aligned table or as JSON lines. */

export type Row = Readonly<Record<string, string | number>>;

/** A figure with three digits that count. */
const figure = (x: number): string =>
  !Number.isFinite(x) || Number.isInteger(x) ? String(x) : Math.abs(x) >= 100 ? x.toFixed(0) : x.toPrecision(3);

export function printTable(title: string, rows: readonly Row[], json: boolean): void {
  if (json) {
    for (const row of rows) console.log(JSON.stringify({ section: title, ...row }));
    return;
  }
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))];
  const cells = rows.map(row => columns.map(c => (typeof row[c] === 'number' ? figure(row[c]) : (row[c] ?? ''))));
  const widths = columns.map((c, i) => Math.max(c.length, ...cells.map(line => line[i]!.length)));
  const isNumber = columns.map(c => rows.every(row => row[c] === undefined || typeof row[c] === 'number'));
  const print = (line: readonly string[]) =>
    console.log(
      line
        .map((s, i) => (isNumber[i] ? s.padStart(widths[i]!) : s.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    );
  console.log(`\n${title}`);
  print(columns);
  for (const line of cells) print(line);
}
