/** Checks the options of a call against a table before anything runs. */
import { ConfigError } from '../errors.ts';
import { show } from '../generate/options.ts';
import { nearest } from '../util/nearest.ts';

/** Says what a value has to be, or nothing when it is. */
export type OptionCheck = (value: unknown) => string | undefined;
/** A check for every option. */
export type OptionChecks<O> = { readonly [K in keyof O]-?: OptionCheck };

const check =
  (expected: string, accepts: (value: unknown) => boolean): OptionCheck =>
  value =>
    accepts(value) ? undefined : expected;

const isWritten = (value: unknown): value is string => typeof value === 'string' && value !== '';

export const flag = check('true or false', value => typeof value === 'boolean');
export const count = check('a whole number of at least 1', value => Number.isSafeInteger(value) && Number(value) >= 1);
/** `Infinity` stands for all. */
export const howMany = check(
  'a whole number of at least 1, or Infinity',
  value => value === Number.POSITIVE_INFINITY || count(value) === undefined,
);
export const size = check('a whole number of at least 0', value => Number.isSafeInteger(value) && Number(value) >= 0);
export const integer = check('a whole number', Number.isSafeInteger);
export const number = check('a number', value => typeof value === 'number' && !Number.isNaN(value));
export const share = check('a number from 0 to 1', value => typeof value === 'number' && value >= 0 && value <= 1);
export const numbers = check('a list of numbers', value => Array.isArray(value) && value.every(Number.isFinite));
export const ids = check(
  'a list of token ids',
  value => Array.isArray(value) && value.every(id => Number.isSafeInteger(id) && id >= 0),
);
export const text = check('a text', isWritten);
export const texts = check('a list of texts', value => Array.isArray(value) && value.every(x => typeof x === 'string'));
export const textOrTexts = check(
  'a text or a list of texts',
  value => isWritten(value) || (Array.isArray(value) && value.length > 0 && value.every(isWritten)),
);
export const list = check('a list', Array.isArray);
export const object = check('an object', value => typeof value === 'object' && value !== null && !Array.isArray(value));
export const call = check('a function', value => typeof value === 'function');
export const anything: OptionCheck = () => undefined;
export const oneOf = (...words: readonly string[]): OptionCheck =>
  check(words.join(', '), value => words.includes(value as string));

const SIGNAL = check('an AbortSignal', value => typeof value === 'object' && value !== null && 'aborted' in value);
/** Those of every call. */
const COMMON: Readonly<Record<string, OptionCheck>> = { signal: SIGNAL, batchSize: count, onProgress: call };

/**
 * Throws one ConfigError for everything that is wrong with the options of a task.
 * @param isOpen names that are not in the table are for someone else to check
 */
export function checkOptions(
  task: string,
  options: unknown,
  checks: Readonly<Record<string, OptionCheck>>,
  isOpen = false,
): void {
  if (options === undefined) return;
  const where = `options of ${task}`;
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new ConfigError('options are an object', { seen: show(options), where });
  const known = { ...checks, ...COMMON };
  const problems = Object.entries(options).flatMap(([name, value]) => {
    const test = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!test) return isOpen ? [] : [`${name} is no option${guess(name, Object.keys(known))}`];
    const expected = value === undefined ? undefined : test(value);
    return expected === undefined ? [] : [`${name} = ${show(value)} is not ${expected}`];
  });
  if (problems.length > 0) throw new ConfigError(`${task}: ${problems.join('; ')}`, { where });
}

function guess(name: string, known: readonly string[]): string {
  const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const meant = nearest(camel, known);
  return meant ? ` (did you mean ${meant}?)` : `: it has ${known.join(', ')}`;
}
