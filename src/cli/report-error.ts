/** An error as the reader of a terminal wants it: one paragraph that says what happened, then where and what to do. */
import { HeedError } from '../errors.ts';
import { type Command, type OptionTable, UsageError } from './command.ts';
import { wrap } from './layout.ts';
import type { Terminal } from './terminal.ts';

/**
 * Writes the error to standard error and returns the exit code: 2 for wrong usage, else 1.
 * @param options `command`: the one that failed, in whose words it is told
 */
export function reportError(
  error: unknown,
  terminal: Terminal,
  options: { stack: boolean; command?: Command | undefined },
): 1 | 2 {
  if (error instanceof UsageError) {
    const help = error.command ? `heed help ${error.command}` : 'heed --help';
    terminal.note(`${paragraph(error.message, terminal)}\n  ${help} shows what there is\n`);
    return 2;
  }
  if (error instanceof HeedError) {
    const typed = (text = '') => asTyped(text, options.command?.options ?? {});
    const { seen, expected, fix, where } = error;
    // What was seen, and where, may be words of a file.
    const facts = { seen, expected: typed(expected), 'to do': typed(fix), where };
    const lines = Object.entries(facts).flatMap(([label, text]) =>
      text ? [`  ${`${label}:`.padEnd(10)}${wrap(text, terminal.columns, ' '.repeat(12))}`] : [],
    );
    terminal.note(`${[paragraph(typed(whatHappened(error)), terminal), ...lines].join('\n')}\n`);
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

/**
 * Generation options as they are typed: `topP = 3` is `--top-p 3`, `overflow: 'slide'` is `--overflow slide`. A name in
 * double quotes is a file's and stays.
 */
function asTyped(text: string, options: OptionTable): string {
  const names = new Map(Object.entries(options).flatMap(([name, { sets }]) => (sets ? [[sets as string, name]] : [])));
  if (names.size === 0) return text;
  const setting = new RegExp(`(?<!")\\b(${[...names.keys()].join('|')})\\b(?:(?: =|:) '?([^\\s',;]+)'?)?`, 'g');
  return text.replace(setting, (_, name: string, value?: string) =>
    [`--${names.get(name)}`, ...(value === undefined ? [] : [value])].join(' '),
  );
}

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
