/** What a command works on: a text as an argument or from standard input, or token ids in its place. */
import { UsageError } from './command.ts';
import type { Terminal } from './terminal.ts';

interface TextCall {
  readonly command: string;
  /** What the text is to the command: `a prompt`. */
  readonly what: string;
  /** The option that takes the ids. */
  readonly option?: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/**
 * The ids if there are any, else the argument; for `-` or none, what is piped in, without the line end that `echo` puts
 * behind it.
 * @throws UsageError when there are both or neither, `signal.reason` when aborted while reading
 */
export async function textOrIds(
  argument: string | undefined,
  ids: readonly number[] | undefined,
  { command, what, option = 'ids', terminal, signal }: TextCall,
): Promise<string | readonly number[]> {
  if (ids && argument !== undefined)
    throw new UsageError(`--${option} takes the place of a text: leave ${JSON.stringify(argument)} out`, command);
  if (ids) return ids;
  if (argument !== undefined && argument !== '-') return argument;
  if (argument === undefined && terminal.keyboard)
    throw new UsageError(
      `${what} is missing: give it in quotes, pipe it in, write - to type it here, or give ids with --${option}`,
      command,
    );
  return (await terminal.read(signal)).replace(/\r?\n$/, '');
}
