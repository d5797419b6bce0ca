/** Numbers for people, in the way of their language. */
import type { Language } from './messages.ts';

export interface Numbers {
  /** `124,439,808` */
  count(n: number): string;
  /** `124 M` */
  short(n: number): string;
  /** `497.8 MB`: powers of 1000, as on a disk. */
  bytes(n: number): string;
  /** `61.3 %` */
  percent(share: number): string;
  /** `12.4 ms`, `3.21 s` */
  duration(ms: number): string;
  /** With so many decimals. */
  fixed(n: number, decimals: number): string;
  /** With so many digits that matter. */
  digits(n: number, digits?: number): string;
}

export function createNumbers(language: Language): Numbers {
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const one = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const digits = (n: number, most = 3) =>
    n !== 0 && Math.abs(n) >= 10 ** most
      ? whole.format(n)
      : new Intl.NumberFormat(language, { maximumSignificantDigits: most }).format(n);
  const scaled = (n: number, units: readonly string[]) => {
    let unit = 0;
    // 999.96 would be shown as 1000.
    while (Math.abs(n) >= 999.5 && unit < units.length - 1) {
      n /= 1000;
      unit++;
    }
    return `${digits(n)} ${units[unit]}`.trimEnd();
  };
  return {
    count: n => whole.format(n),
    short: n => scaled(n, ['', 'K', 'M', 'B', 'T']),
    bytes: n => scaled(n, ['B', 'KB', 'MB', 'GB', 'TB']),
    fixed: (n, decimals) =>
      new Intl.NumberFormat(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(n),
    percent: share => `${one.format(100 * share)} %`,
    duration: ms =>
      ms < 999.5 ? `${digits(ms)} ms` : ms < 119_500 ? `${digits(ms / 1000)} s` : `${digits(ms / 60_000)} min`,
    digits,
  };
}

/** Scores hide what may not be seen behind a huge negative number, which would drown all others. */
export const isVisible = (x: number): boolean => !(x <= -1e29);

/** A number of a tensor in at most `width` characters (7 or more), the same in every language; a dot for one that is hidden. */
export function element(x: number, width = 8): string {
  if (!isVisible(x)) return '·';
  if (!Number.isFinite(x)) return String(x).replace('Infinity', 'inf');
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x);
  if (Math.abs(x) >= 1e-4 && Math.abs(x) < 1e9)
    for (let decimals = 4; decimals > 0; decimals--) {
      const text = x.toFixed(decimals);
      if (text.length <= width) return text;
    }
  const short = x.toExponential(1);
  return short.length <= width ? short : x.toExponential(0);
}
