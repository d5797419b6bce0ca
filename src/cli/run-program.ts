/** The frame of a program: its terminal, Ctrl-C, its exit code. */
import { INTERRUPTED, nodeTerminal, type Terminal } from './terminal.ts';

/** Runs a program to its end and sets the exit code of the process to what it returns. */
export async function runProgram(
  program: (argv: readonly string[], terminal: Terminal, signal: AbortSignal) => Promise<number>,
): Promise<void> {
  const interrupt = new AbortController();
  process.on('SIGINT', () => {
    // The first one stops after the step being computed, the second one at once.
    if (interrupt.signal.aborted) process.exit(INTERRUPTED);
    interrupt.abort();
  });
  process.exitCode = await program(process.argv.slice(2), nodeTerminal(), interrupt.signal);
}
