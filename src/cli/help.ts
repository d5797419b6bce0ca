/** The help pages, made from the tables of the commands. */
import type { Command, Option } from './command.ts';
import type { CommandEntry } from './commands/index.ts';
import { padEnd, widthOf, wrap } from './layout.ts';
import type { Terminal } from './terminal.ts';

const INDENT = 2;
const WIDEST_TERM = 28;

/** The page of `heed --help`. */
export function overview(commands: readonly CommandEntry[], { columns, paint }: Terminal): string {
  const examples = [
    'heed run ./gpt2 "The meaning of life is"',
    'heed trace ./gpt2 "The cat sat" --get blocks.0.attn.pattern',
    'heed inspect ./gpt2',
  ];
  return [
    `${paint.bold('heed')} runs, explains and measures transformer models on your machine.`,
    '',
    paint.bold('Usage'),
    '  heed COMMAND [ARGUMENTS] [OPTIONS]',
    '',
    paint.bold('Commands'),
    ...terms(
      commands.map(({ name, summary }) => [name, summary]),
      columns,
    ),
    '',
    paint.bold('Examples'),
    ...examples.map(line => `  ${line}`),
    '',
    wrap(
      'heed help COMMAND shows its options. MODEL is a folder with config.json and model.safetensors, or the name of a model on the hub, org/name.',
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
    ...command.examples.flatMap(({ line, does }) => [`  ${paint.dim(`# ${does}`)}`, `  ${line}`]),
    '',
  ].join('\n');
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
