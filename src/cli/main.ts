#!/usr/bin/env node
/** The program `heed`. */
import { runCli } from './run-cli.ts';
import { runProgram } from './run-program.ts';

await runProgram(runCli);
