/** An error as the reader of a terminal wants it: one paragraph that says what happened, then where and what to do. */
import { HeedError } from '../errors.ts';
import { UsageError } from './command.ts';
import { wrap } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** Writes the error to standard error and returns the exit code: 2 for wrong usage, else 1. */
export function reportError(error: unknown, terminal: Terminal, options: { stack: boolean }): 1 | 2 {
  if (error instanceof UsageError) {
    const help = error.command ? `heed help ${error.command}` : 'heed --help';
    terminal.note(`${paragraph(error.message, terminal)}\n  ${help} shows what there is\n`);
    return 2;
  }
  if (error instanceof HeedError) {
    const { seen, expected, fix, where } = error;
    const facts = { seen, expected, 'to do': fix, where };
    const lines = Object.entries(facts).flatMap(([label, text]) =>
      text ? [`  ${`${label}:`.padEnd(10)}${wrap(text, terminal.columns, ' '.repeat(12))}`] : [],
    );
    terminal.note(`${[paragraph(whatHappened(error), terminal), ...lines].join('\n')}\n`);
  } else {
    terminal.note(`${paragraph(error instanceof Error ? error.message : String(error), terminal)}\n`);
    if (!options.stack)
      terminal.note('  This looks like a mistake in heed itself: --verbose or HEED_DEBUG=1 shows where.\n');
  }
  if (options.stack && error instanceof Error)
    terminal.note(`${error.stack?.slice(error.stack.indexOf('\n    at ') + 1)}\n`);
  return 1;
}

const paragraph = (text: string, { columns }: Terminal) => wrap(`heed: ${text}`, columns, '  ');

/** The message without the facts that it ends with, which get lines of their own. */
function whatHappened({ message, seen, expected, fix, where }: HeedError): string {
  const ends = [
    where && ` (in ${where})`,
    fix && `; to do: ${fix}`,
    expected && `; expected: ${expected}`,
    seen && `; seen: ${seen}`,
  ];
  return ends.reduce<string>((text, end) => (end && text.endsWith(end) ? text.slice(0, -end.length) : text), message);
}
