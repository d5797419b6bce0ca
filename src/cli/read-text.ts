/** The text that a command works on: an argument, or standard input. */
import { UsageError } from './command.ts';
import type { Terminal } from './terminal.ts';

/**
 * The argument; for `-` or none, what is piped in, without the line end that `echo` puts behind it.
 * @throws UsageError when there is neither
 */
export async function textArgument(
  argument: string | undefined,
  terminal: Terminal,
  { command, what }: { command: string; what: string },
): Promise<string> {
  if (argument !== undefined && argument !== '-') return argument;
  if (argument === undefined && terminal.keyboard)
    throw new UsageError(`${what} is missing: give it in quotes, pipe it in, or write - to type it here`, command);
  return (await terminal.read()).replace(/\r?\n$/, '');
}
