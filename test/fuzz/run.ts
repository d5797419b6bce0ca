/**
 * `npm run fuzz [-- PART --seconds N --seed S --case K]`: random texts through every committed tokenizer and tokenizer files that
 * are wrong (`tokenizers`), weights files, indexes, adapters and listings that are wrong (`formats`). Default: both, 60 seconds
 * each, from case 0 of seed 1. A failing case is printed with the command that runs it again. `--from K` goes on where a run
 * ended. Exit code 1 if any case fails, crashes or takes too long; 2 if called wrongly.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isPart, PARTS, type Part } from './fuzz-parts.ts';
import type { Report } from './worker.ts';

/** A case takes milliseconds; the first one of a worker also its start. Long enough for a machine that is busy with other work. */
const CASE_SECONDS = 60;
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
function runWorker(part: Part, seed: number, totals: Totals, deadline: number): Promise<string | undefined> {
  const path = fileURLToPath(new URL('./worker.ts', import.meta.url));
  const args = [part, `${seed}`, `${totals.next}`, `${Number.MAX_SAFE_INTEGER}`];
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
      if (now - last > totals.slowest.ms && number > Number(args[2])) totals.slowest = { number, ms: now - last };
      last = now;
      totals.next = number + 1;
      totals[outcome]++;
      if (outcome === 'failed') console.log(failure(part, seed, number, `${what}\n${error}`));
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

const failure = (part: Part, seed: number, number: number, what: string) =>
  `FAILED case ${number} of seed ${seed}; again: npm run fuzz -- ${part} --seed ${seed} --case ${number}\n  ${what}`;

async function runFor(part: Part, seed: number, from: number, seconds: number): Promise<boolean> {
  const totals: Totals = { held: 0, refused: 0, failed: 0, next: from, slowest: { number: 0, ms: 0 } };
  const deadline = Date.now() + 1000 * seconds;
  while (Date.now() < deadline && totals.failed < MAX_FAILURES) {
    const trouble = await runWorker(part, seed, totals, deadline);
    if (trouble === undefined) break;
    totals.failed++;
    const { what } = (await PARTS[part]())(seed, totals.next);
    console.log(failure(part, seed, totals.next, `${what}\n${trouble}`));
    totals.next++;
  }
  const { held, refused, failed, next, slowest } = totals;
  console.log(
    `${part}, seed ${seed}: ${next - from} cases up to ${next}, ${held} held, ${refused} files or options refused, ${failed} FAILED; ` +
      `slowest: case ${slowest.number}, ${slowest.ms.toFixed(0)} ms`,
  );
  return failed === 0;
}

async function runOne(part: Part, seed: number, number: number): Promise<void> {
  const { what, run } = (await PARTS[part]())(seed, number);
  console.log(`case ${number} of seed ${seed}: ${what}`);
  console.log(await run());
}

const { values, positionals } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    case: { type: 'string' },
  },
  allowPositionals: true,
});
const [seconds, seed, from, number] = [values.seconds, values.seed, values.from, values.case ?? values.from].map(
  Number,
);
const parts = positionals.length > 0 ? positionals.filter(isPart) : (Object.keys(PARTS) as Part[]);
const [part] = parts;
const right = parts.length === (positionals.length || parts.length) && seconds! > 0;
if (!right || ![seed, from, number].every(Number.isSafeInteger) || (values.case && positionals.length !== 1)) {
  console.error(
    `usage: npm run fuzz [-- ${Object.keys(PARTS).join(' | ')}] [--seconds N --seed S --from K | --case K]`,
  );
  process.exitCode = 2;
} else if (values.case) await runOne(part!, seed!, number!);
else for (const each of parts) if (!(await runFor(each, seed!, from!, seconds!))) process.exitCode = 1;
