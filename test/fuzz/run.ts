/**
 * `npm run fuzz [-- --seconds N --seed S --case K]`: random texts through every committed tokenizer, and tokenizer files that
 * are wrong. Default: 60 seconds from seed 1. A failing case is printed with the command that runs it again. Exit code 1 if
 * any case fails, crashes or takes too long; 2 if called wrongly.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fuzzCase, readMaterials } from './fuzz-case.ts';
import type { Report } from './worker.ts';

/** A case takes milliseconds; the first one of a worker also its start. */
const CASE_SECONDS = 20;
const HEAP_MB = 1024;
const MAX_FAILURES = 20;

interface Totals {
  held: number;
  refused: number;
  failed: number;
  /** The next case to run. */
  next: number;
  slowest: { number: number; ms: number };
}

/** Runs cases from `totals.next` on in one worker, until `deadline` or until a case does not end. */
function runWorker(seed: number, totals: Totals, deadline: number): Promise<string | undefined> {
  const path = fileURLToPath(new URL('./worker.ts', import.meta.url));
  const args = [`${seed}`, `${totals.next}`, `${Number.MAX_SAFE_INTEGER}`];
  const execArgv = [...process.execArgv, `--max-old-space-size=${HEAP_MB}`];
  const child: ChildProcess = fork(path, args, { execArgv, stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
  let stderr = '';
  child.stderr!.on('data', data => (stderr = (stderr + data).slice(-2000)));
  return new Promise(resolve => {
    let trouble: string | undefined;
    let last = performance.now();
    const stop = () => child.kill('SIGKILL');
    const hang = () => {
      trouble = `it did not end in ${CASE_SECONDS} seconds`;
      stop();
    };
    let watchdog = setTimeout(hang, 1000 * CASE_SECONDS);
    child.on('message', message => {
      const { number, outcome, what, error } = message as Report;
      const now = performance.now();
      if (now - last > totals.slowest.ms && number > Number(args[1])) totals.slowest = { number, ms: now - last };
      last = now;
      totals.next = number + 1;
      totals[outcome]++;
      if (outcome === 'failed') console.log(failure(seed, number, `${what}\n${error}`));
      clearTimeout(watchdog);
      if (Date.now() >= deadline || totals.failed >= MAX_FAILURES) stop();
      else watchdog = setTimeout(hang, 1000 * CASE_SECONDS);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(watchdog);
      const ended = Date.now() >= deadline || totals.failed >= MAX_FAILURES;
      resolve(trouble ?? (ended ? undefined : `the process ended: ${signal ?? code}\n${stderr}`));
    });
  });
}

const failure = (seed: number, number: number, what: string) =>
  `FAILED case ${number} of seed ${seed}; again: npm run fuzz -- --seed ${seed} --case ${number}\n  ${what}`;

async function runFor(seed: number, seconds: number): Promise<number> {
  const totals: Totals = { held: 0, refused: 0, failed: 0, next: 0, slowest: { number: 0, ms: 0 } };
  const deadline = Date.now() + 1000 * seconds;
  while (Date.now() < deadline && totals.failed < MAX_FAILURES) {
    const trouble = await runWorker(seed, totals, deadline);
    if (trouble === undefined) break;
    totals.failed++;
    const { what } = fuzzCase(seed, totals.next, readMaterials());
    console.log(failure(seed, totals.next, `${what}\n${trouble}`));
    totals.next++;
  }
  const { held, refused, failed, next, slowest } = totals;
  console.log(
    `seed ${seed}: ${next} cases, ${held} held, ${refused} files or options refused, ${failed} FAILED; ` +
      `slowest: case ${slowest.number}, ${slowest.ms.toFixed(0)} ms`,
  );
  return failed > 0 ? 1 : 0;
}

function runOne(seed: number, number: number): number {
  const { what, run } = fuzzCase(seed, number, readMaterials());
  console.log(`case ${number} of seed ${seed}: ${what}`);
  console.log(run());
  return 0;
}

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, case: { type: 'string' } },
});
const [seconds, seed] = [Number(values.seconds ?? 60), Number(values.seed ?? 1)];
const number = values.case === undefined ? undefined : Number(values.case);
if (!(seconds > 0) || !Number.isSafeInteger(seed) || (number !== undefined && !Number.isSafeInteger(number))) {
  console.error('usage: npm run fuzz [-- --seconds N --seed S --case K]');
  process.exitCode = 2;
} else process.exitCode = number === undefined ? await runFor(seed, seconds) : runOne(seed, number);
