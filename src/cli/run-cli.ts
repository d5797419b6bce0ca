/** Finds the command, reads its arguments, runs it, reports what goes wrong. */
import type { Command } from './command.ts';
import { COMMANDS, commandNamed } from './commands/index.ts';
import { commandHelp, overview } from './help.ts';
import { parseArguments } from './parse-arguments.ts';
import { reportError } from './report-error.ts';
import { INTERRUPTED, type Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

/**
 * Runs `heed ...argv` and returns its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Never throws.
 * @param signal aborted when the user interrupts
 */
export async function runCli(argv: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  const debug = !!terminal.env.HEED_DEBUG;
  let stack = debug;
  let command: Command | undefined;
  try {
    const [first, ...rest] = argv;
    if (first === undefined || first === '--help' || first === '-h') {
      terminal.write(overview(COMMANDS, terminal));
      return 0;
    }
    if (first === '--version' || first === '-v') {
      terminal.write(`${VERSION}\n`);
      return 0;
    }
    command = await commandNamed(first);
    const call = parseArguments(command, rest);
    if (call.help) {
      terminal.write(commandHelp(command, terminal));
      return 0;
    }
    stack ||= call.values.verbose === true;
    return (await command.run({ values: call.values as never, positionals: call.positionals, terminal, signal })) ?? 0;
  } catch (error) {
    return signal.aborted && error === signal.reason ? INTERRUPTED : reportError(error, terminal, { stack, command });
  }
}
