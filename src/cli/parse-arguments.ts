/** Reads an argument list by the option table of a command, with errors that say what to type instead. */
import { parseArgs } from 'node:util';
import { nearest } from '../util/nearest.ts';
import { type Command, type Option, UsageError } from './command.ts';

export interface Arguments {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
  /** `--help` or `-h` is among them: nothing else was checked. */
  readonly help: boolean;
}

const HELP: Option = { kind: 'flag', short: 'h', help: 'show this help' };

/**
 * Values by option name: flags are booleans, lists are never absent, everything else is undefined when not given.
 * @throws UsageError for unknown options, values that cannot be, and the wrong number of arguments
 */
export function parseArguments(command: Command, argv: readonly string[]): Arguments {
  const options: Readonly<Record<string, Option>> = { ...command.options, help: HELP };
  const fail = (message: string) => new UsageError(message, command.name);
  const { tokens } = parseArgs({
    args: withValuesOfLoneOptions(argv, options),
    options: Object.fromEntries(
      Object.entries(options).map(([name, { kind, short }]) => [
        name,
        { type: kind === 'flag' ? ('boolean' as const) : ('string' as const), ...(short && { short }) },
      ]),
    ),
    // Node's own errors name neither the command nor what was meant.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, (string | undefined)[]>();
  const positionals: string[] = [];
  /** The option that the arguments behind it belong to. */
  let collecting: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'positional' && collecting !== undefined) given.get(collecting)!.push(token.value);
    else if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind === 'positional') continue;
    collecting = undefined;
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (!option) throw fail(unknownOption(rawName, options));
    if (option.kind === 'flag' && value !== undefined) throw fail(`${rawName} takes no value`);
    if (option.kind !== 'flag' && (value === undefined || (!inlineValue && looksLikeOption(value))))
      throw fail(`${rawName} needs a value${value === undefined ? '' : `; write ${rawName}=${value} if that is it`}`);
    given.set(name, [...(given.get(name) ?? []), value]);
    if (option.kind !== 'flag' && option.many) collecting = name;
  }
  if (given.has('help')) return { values: {}, positionals, help: true };
  checkCount(command, positionals, fail);
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(command.options)) {
    const texts = given.get(name) ?? [];
    values[name] = option.kind === 'flag' ? texts.length > 0 : option.kind === 'list' ? texts : undefined;
    const last = texts.at(-1);
    if (option.kind !== 'flag' && option.kind !== 'list' && last !== undefined)
      values[name] = readValue(name, option, last, fail);
  }
  return { values, positionals, help: false };
}

/** An option that may stand alone takes the next argument only if that is a number; else it means its own value. */
function withValuesOfLoneOptions(argv: readonly string[], options: Readonly<Record<string, Option>>): string[] {
  const out: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    if (argument === '--') return [...out, ...argv.slice(i)];
    const option =
      argument.startsWith('--') && Object.hasOwn(options, argument.slice(2)) ? options[argument.slice(2)] : undefined;
    if (!option || option.kind === 'flag' || option.alone === undefined) out.push(argument);
    else if (/^\d+$/.test(argv[i + 1] ?? '')) out.push(`${argument}=${argv[++i]}`);
    else out.push(`${argument}=${option.alone}`);
  }
  return out;
}

const looksLikeOption = (text: string) => /^-(?!$|[\d.])/.test(text);

function unknownOption(rawName: string, options: Readonly<Record<string, Option>>): string {
  const guess = nearest(rawName.replace(/^-+/, ''), Object.keys(options));
  return `unknown option ${rawName}${guess ? `; did you mean --${guess}?` : ''}`;
}

function checkCount(command: Command, positionals: readonly string[], fail: (message: string) => UsageError): void {
  const missing = command.positionals[positionals.length];
  if (missing && !missing.name.startsWith('[')) throw fail(`${missing.name} is missing: ${missing.help}`);
  const extra = positionals[command.positionals.length];
  if (extra !== undefined && !command.positionals.at(-1)?.name.endsWith('...'))
    throw fail(`one argument too many: ${JSON.stringify(extra)}. A text of several words goes in quotes`);
}

function readValue(
  name: string,
  option: Exclude<Option, { kind: 'flag' }>,
  text: string,
  fail: (message: string) => UsageError,
): unknown {
  const wrong = (expected: string) => fail(`--${name} is ${JSON.stringify(text)}, but must be ${expected}`);
  if (option.choices && !option.choices.includes(text)) throw wrong(option.choices.join(' or '));
  switch (option.kind) {
    case 'number':
    case 'integer': {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      const whole = option.kind === 'integer';
      const least = option.min === undefined ? '' : ` from ${option.min} on`;
      if (!(whole ? Number.isSafeInteger(value) : Number.isFinite(value)) || value < (option.min ?? -Infinity))
        throw wrong(`a ${whole ? 'whole ' : ''}number${least}`);
      return value;
    }
    case 'ids': {
      const ids = text.split(/[\s,]+/).filter(part => part !== '');
      if (ids.length === 0 || !ids.every(id => /^\d{1,9}$/.test(id))) throw wrong('token ids such as 464,2068,7586');
      return ids.map(Number);
    }
    default:
      return text;
  }
}
