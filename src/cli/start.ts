/** `npm start`: runs the model it is given, or shows with the bundled ones what heed does. */
import { access } from 'node:fs/promises';
import { BUNDLED, bundledAddress } from '../hub/bundled.ts';
import { padEnd, wrap } from './layout.ts';
import { openBackend } from './open-model.ts';
import { reportError } from './report-error.ts';
import { runCli } from './run-cli.ts';
import { runProgram } from './run-program.ts';
import { INTERRUPTED, type Terminal } from './terminal.ts';
import { runTour } from './tour.ts';
import { createTourWording } from './tour-wording.ts';
import { wordingFor } from './wording.ts';

const OPENING = 'Once upon a time';

async function start([source, ...rest]: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  if (source !== undefined) {
    const prompt = rest.length === 0 && terminal.keyboard ? [OPENING] : rest;
    return runCli(['run', source, ...prompt, '--verbose'], terminal, signal);
  }
  const began = performance.now();
  const { paint, columns } = terminal;
  const { language, say, numbers } = wordingFor({}, terminal);
  const told = createTourWording(language);
  const line = (text = '') => terminal.write(`${text}\n`);
  line(`${paint.bold('heed')}  ${wrap(say('whatHeedIs'), columns, '      ')}`);
  line();
  const places = BUNDLED.map(name => access(bundledAddress(name)!));
  if ((await Promise.allSettled(places)).some(({ status }) => status === 'rejected')) {
    line(wrap(told('missing'), columns));
    line(`  npm start -- ./gpt2 "${OPENING}"`);
    return 1;
  }
  line(paint.dim(wrap(told('intro'), columns)));
  line();
  const { backend, wasm } = await openBackend({ threads: undefined, device: undefined, 'no-revectorize': false });
  try {
    await runTour({ terminal, say, told, numbers, backend: wasm!, signal });
  } finally {
    wasm?.close();
  }
  line(paint.dim(`${told('all')}: ${numbers.duration(performance.now() - began)}`));
  line();
  const heed = 'node dist/cli/main.js';
  const commands = [
    [`${heed} trace kleinwelt-llama "Der Hund jagt"`, told('tryChat')],
    [`${heed} heads kleinwelt-bert`, told('tryHeads')],
    ['npm start -- FOLDER "Once upon a time"', told('tryOwn')],
    [`${heed} train --data book.txt --out ./mine`, told('tryTrain')],
  ] as const;
  line(paint.bold(say('next')));
  for (const [command, does] of commands)
    line(`  ${paint.cyan(command)}\n  ${padEnd('', 4)}${paint.dim(wrap(does, columns, '      '))}`);
  return backend ? 0 : 1;
}

await runProgram((argv, terminal, signal) =>
  start(argv, terminal, signal).catch(error =>
    signal.aborted ? INTERRUPTED : reportError(error, terminal, { stack: !!terminal.env.HEED_DEBUG }),
  ),
);
