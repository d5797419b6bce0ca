/** Names with their scores as bars. */
import { cut, padEnd, padStart, widthOf } from './layout.ts';
import type { Numbers } from './numbers.ts';
import { bar } from './probability-table.ts';
import type { Terminal } from './terminal.ts';

export interface ScoredName {
  readonly name: string;
  readonly score: number;
  /** Behind the bar. */
  readonly rest?: string;
}
const WIDEST_NAME = 28;
const PERCENT = 7;
const BAR = 20;

/** A line each: name, share, bar, and what is said besides; the first stands out. */
export function scoreBars(entries: readonly ScoredName[], { columns, paint }: Terminal, numbers: Numbers): string {
  const width = Math.min(WIDEST_NAME, Math.max(...entries.map(({ name }) => widthOf(name))));
  const room = columns - width - PERCENT - BAR - 6;
  return entries
    .map(({ name, score, rest = '' }, i) => {
      const shown = padEnd(cut(name, width), width);
      const share = padStart(numbers.percent(score), PERCENT);
      const line = `${i === 0 ? paint.bold(shown) : shown}  ${share}  ${paint.cyan(padEnd(bar(score, BAR), BAR))}`;
      return `${rest === '' ? line.trimEnd() : `${line}  ${paint.dim(cut(rest, Math.max(8, room)))}`}\n`;
    })
    .join('');
}
