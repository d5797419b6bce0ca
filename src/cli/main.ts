#!/usr/bin/env node
/** The program `heed`. */
import { INTERRUPTED, runCli } from './run-cli.ts';
import { nodeTerminal } from './terminal.ts';

const interrupt = new AbortController();
process.on('SIGINT', () => {
  // The first one stops after the step being computed, the second one at once.
  if (interrupt.signal.aborted) process.exit(INTERRUPTED);
  interrupt.abort();
});
process.exitCode = await runCli(process.argv.slice(2), nodeTerminal(), interrupt.signal);
