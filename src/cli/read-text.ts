/** What a command works on: a text as an argument or from standard input, its lines, or token ids in its place. */
import { UsageError } from './command.ts';
import type { Terminal } from './terminal.ts';

/** The command that asks, and whom. */
interface TextCall {
  readonly name: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/**
 * The argument; for `-` or none what is piped in, without the line end that `echo` puts behind it.
 * @param what the text is to the command: `a prompt`
 * @param option what takes ids in its place, for the message
 * @throws UsageError when there is neither, `signal.reason` when aborted while reading
 */
export async function textOf(
  argument: string | undefined,
  what: string,
  { name, terminal, signal }: TextCall,
  option?: string,
): Promise<string> {
  if (argument !== undefined && argument !== '-') return argument;
  if (argument === undefined && terminal.keyboard) {
    const last =
      option === undefined ? 'or write - to type it here' : `write - to type it here, or give ids with --${option}`;
    throw new UsageError(`${what} is missing: give it in quotes, pipe it in, ${last}`, name);
  }
  return (await terminal.read(signal)).replace(/\r?\n$/, '');
}

/**
 * The ids if there are any, else the text.
 * @param option the one that takes ids
 * @throws UsageError when there are both or neither, `signal.reason` when aborted while reading
 */
export async function textOrIds(
  argument: string | undefined,
  ids: readonly number[] | undefined,
  { what, option = 'ids', ...call }: TextCall & { readonly what: string; readonly option?: string },
): Promise<string | readonly number[]> {
  if (!ids) return textOf(argument, what, call, option);
  if (argument === undefined) return ids;
  throw new UsageError(`--${option} takes the place of a text: leave ${JSON.stringify(argument)} out`, call.name);
}

/** Texts to work on. */
export interface GivenTexts {
  readonly texts: readonly string[];
  /** They came line by line: so do the results. */
  readonly isStream: boolean;
}

/**
 * The argument, or the lines of standard input that are not empty.
 * @throws UsageError when there is neither
 */
export async function textsOf(argument: string | undefined, what: string, call: TextCall): Promise<GivenTexts> {
  const text = await textOf(argument, what, call);
  if (argument !== undefined && argument !== '-') return { texts: [text], isStream: false };
  const texts = text.split(/\r?\n/).filter(line => line.trim() !== '');
  if (texts.length === 0) throw new UsageError(`${what} is missing: standard input is empty`, call.name);
  return { texts, isStream: true };
}
