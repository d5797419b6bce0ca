/** The help pages, made from the tables of the commands. */
import type { Command, Option } from './command.ts';
import type { CommandEntry } from './commands/index.ts';
import { padEnd, widthOf, wrap } from './layout.ts';
import type { Terminal } from './terminal.ts';

const INDENT = 2;
const WIDEST_TERM = 28;

export const OVERVIEW_EXAMPLES = [
  'heed run kleinwelt-llama "Der Hund"',
  'heed fill kleinwelt-bert "Der Hund [MASK] die Katze."',
  'heed trace kleinwelt-llama "Der Hund jagt" --get blocks.0.attn.pattern',
  'heed inspect kleinwelt-llama',
];

/** The page of `heed --help`. */
export function overview(commands: readonly CommandEntry[], { columns, paint }: Terminal): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const groups = [...new Set(commands.map(({ group }) => group))];
  return [
    `${paint.bold('heed')} runs, explains, trains and measures transformer models on your machine.`,
    '',
    paint.bold('Usage'),
    '  heed COMMAND [ARGUMENTS] [OPTIONS]',
    ...groups.flatMap(group => [
      '',
      paint.bold(group),
      ...terms(
        commands.flatMap(({ group: own, name, summary }) => (own === group ? [[padEnd(name, width), summary]] : [])),
        columns,
      ),
    ]),
    '',
    paint.bold('Examples'),
    ...OVERVIEW_EXAMPLES.map(line => `  ${broken(line, columns)}`),
    '',
    wrap(
      'heed help COMMAND shows its options. MODEL is the name of a model that comes with heed (heed models), a folder with config.json and model.safetensors, a .gguf file, or the name of a model on the hub, org/name.',
      columns,
    ),
    wrap(
      'The exit code is 0 when all went well, 1 after an error, 2 for a wrong command line, 130 after Ctrl-C. Colours are for terminals only; NO_COLOR=1 leaves them out.',
      columns,
    ),
    '',
  ].join('\n');
}

/** The page of one command. */
export function commandHelp(command: Command, { columns, paint }: Terminal): string {
  const optional = Object.keys(command.options).length > 0 ? ['[OPTIONS]'] : [];
  const usage = ['heed', command.name, ...command.positionals.map(p => p.name), ...optional].join(' ');
  const groups = new Map<string, [string, string][]>();
  for (const [name, option] of Object.entries(command.options)) {
    const group = option.group ?? 'Options';
    groups.set(group, [...(groups.get(group) ?? []), [optionTerm(name, option), option.help]]);
  }
  return [
    wrap(`${paint.bold(`heed ${command.name}`)}: ${command.summary}`, columns),
    '',
    paint.bold('Usage'),
    `  ${usage}`,
    ...(command.positionals.length > 0 ? [''] : []),
    ...terms(
      command.positionals.map(({ name, help }) => [name, help]),
      columns,
    ),
    ...[...groups].flatMap(([group, rows]) => ['', paint.bold(group), ...terms(rows, columns)]),
    '',
    paint.bold('Examples'),
    ...command.examples.flatMap(({ line, does }) => [`  ${paint.dim(`# ${does}`)}`, `  ${broken(line, columns)}`]),
    '',
  ].join('\n');
}

/** A line of a shell, which goes on behind a backslash where it is too long. */
function broken(line: string, columns: number): string {
  const [first = '', ...words] = line.match(/(?:"[^"]*"|\S)+/g) ?? [];
  let text = first;
  let width = INDENT + widthOf(first);
  for (const word of words) {
    const fits = width + 1 + widthOf(word) <= columns - 2;
    text += fits ? ` ${word}` : ` \\\n    ${word}`;
    width = (fits ? width + 1 : 2 * INDENT) + widthOf(word);
  }
  return text;
}

function optionTerm(name: string, option: Option): string {
  const value = option.kind === 'flag' ? '' : option.alone === undefined ? ` ${option.value}` : ` [${option.value}]`;
  return `${option.short ? `-${option.short}, ` : '    '}--${name}${value}`;
}

/** Terms on the left, what they mean on the right; a long term gets a line of its own. */
function terms(rows: readonly (readonly [term: string, meaning: string])[], columns: number): string[] {
  const fitting = rows.map(([term]) => widthOf(term)).filter(width => width <= WIDEST_TERM);
  const width = Math.max(0, ...fitting) + 2;
  const indent = ' '.repeat(INDENT + width);
  return rows.map(([term, meaning]) => {
    const text = wrap(meaning, columns, indent);
    return widthOf(term) > WIDEST_TERM ? `  ${term}\n${indent}${text}` : `  ${padEnd(term, width)}${text}`;
  });
}
