/** `--show-probs`: a line per token, with its probability and what could have stood in its place. */
import type { TextTokenEvent } from '../generate/index.ts';
import { cut, padEnd, padStart, widthOf } from './layout.ts';
import type { Say } from './messages.ts';
import type { Numbers } from './numbers.ts';
import type { Terminal } from './terminal.ts';

export interface ProbabilityTable {
  /** Two lines above the first row. */
  header(): string;
  /** The event has `logprob` and `top`. */
  row(event: TextTokenEvent): string;
}

const TOKEN = 16;
const PERCENT = 7;
const BAR = 10;
/** Alternatives that would be shown as 0.0 % are left out. */
const LEAST = Math.log(0.0005);

/** @param label the name of a token, such as `" world"` */
export function createProbabilityTable(
  { columns, paint }: Terminal,
  say: Say,
  numbers: Numbers,
  label: (id: number) => string,
): ProbabilityTable {
  const line = (token: string, percent: string, bar: string, rest: string) =>
    `${token}  ${percent}  ${bar}  ${rest}`.trimEnd();
  const room = columns - TOKEN - PERCENT - BAR - 6;
  const percent = (logprob: number) => numbers.percent(Math.exp(logprob));
  return {
    header() {
      const titles = [
        padEnd(say('token'), TOKEN),
        padEnd(say('probability'), PERCENT + 2 + BAR),
        say('alternatives'),
      ].join('  ');
      return `${paint.bold(titles)}\n${paint.dim('─'.repeat(Math.min(columns, 100)))}\n`;
    },
    row({ id, logprob = Number.NEGATIVE_INFINITY, top = [] }) {
      const others = top.filter(other => other.id !== id && other.logprob > LEAST);
      let rest = '';
      for (const other of others) {
        const entry = `${cut(label(other.id), TOKEN)} ${percent(other.logprob)}`;
        if (widthOf(rest) + 2 + widthOf(entry) > room) break;
        rest += rest === '' ? entry : `  ${entry}`;
      }
      // A token that was drawn although another was more probable stands out.
      const chosen = padEnd(cut(label(id), TOKEN), TOKEN);
      const best = others.every(other => other.logprob <= logprob);
      const share = Math.exp(logprob);
      return `${line(
        best ? paint.bold(chosen) : paint.yellow(chosen),
        padStart(percent(logprob), PERCENT),
        paint.cyan(padEnd(bar(share, BAR), BAR)),
        paint.dim(rest),
      )}\n`;
    },
  };
}

/** A share as a bar of eighths of a cell; anything above 0 shows. */
export function bar(share: number, width: number): string {
  const eighths = Math.max(share > 0 ? 1 : 0, Math.round(8 * width * Math.min(1, Math.max(0, share))));
  return '█'.repeat(eighths >> 3) + (eighths & 7 ? ' ▏▎▍▌▋▊▉'[eighths & 7]! : '');
}
