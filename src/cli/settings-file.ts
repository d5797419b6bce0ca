/** Options of a command in a JSON file: `{ "learningRate": 1e-3, "data": ["a.txt"] }` is `--learning-rate 1e-3 --data a.txt`. */
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import { type Command, type OptionTable, UsageError, type Values } from './command.ts';
import { parseArguments } from './parse-arguments.ts';

export type Settings = Readonly<Record<string, unknown>>;

export const kebab = (name: string): string => name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
export const camel = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** @throws ConfigError when it is not there or no JSON object */
export async function readSettings(path: string): Promise<Settings> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new ConfigError('the settings cannot be read', { seen: (cause as Error).message, where: path, cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigError('settings are a JSON object', {
      expected: '{ "learningRate": 0.001, ... }',
      where: path,
    });
  return value as Settings;
}

/**
 * The values of the command line, and where it says nothing those of the file, which are checked as if they had been typed.
 * @throws ConfigError for names that are no options, UsageError for values that cannot be
 */
export function withSettings<T extends OptionTable>(
  command: Pick<Command, 'name'> & { readonly options: T },
  values: Values<T>,
  settings: Settings,
  where: string,
): Values<T> {
  const typed = Object.entries(settings).flatMap(([name, value]) => asTyped(command.options, name, value, where));
  let fromFile: Readonly<Record<string, unknown>>;
  try {
    fromFile = parseArguments({ ...command, positionals: [] } as unknown as Command, typed).values;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new ConfigError(`the settings are wrong: ${error.message}`, { where, cause: error });
  }
  const said = (value: unknown) =>
    value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, said(value) ? value : fromFile[name]]),
  ) as Values<T>;
}

/** A setting as arguments. */
function asTyped(options: OptionTable, name: string, value: unknown, where: string): string[] {
  const option = Object.hasOwn(options, kebab(name)) ? options[kebab(name)] : undefined;
  if (!option) {
    const near = nearest(name, Object.keys(options).map(camel));
    throw new ConfigError(`${name} is no setting`, { ...(near && { fix: `write ${near}` }), where });
  }
  if (value === null || value === false) return [];
  if (option.kind === 'flag') return value === true ? [`--${kebab(name)}`] : [`--${kebab(name)}=${value}`];
  return [value].flat().map(each => `--${kebab(name)}=${each}`);
}

/** What was said, to be read again: without what is `undefined`, not set or empty, and without `left` out. */
export function settingsOf(values: Readonly<Record<string, unknown>>, left: readonly string[]): Settings {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name, value]) => !left.includes(name) && value !== undefined && value !== false)
      .filter(([, value]) => !(Array.isArray(value) && value.length === 0))
      .map(([name, value]) => [camel(name), value]),
  );
}
