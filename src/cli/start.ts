/**
 * `npm start`: runs the model folder it is given, or shows on a tiny committed model what heed does. For the repository; the
 * published package does not hold the model.
 */
import { access } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { padEnd, wrap } from './layout.ts';
import { shadeLines } from './matrix-view.ts';
import { createMessages, languageOf } from './messages.ts';
import { createNumbers } from './numbers.ts';
import { openModel } from './open-model.ts';
import { createProbabilityTable } from './probability-table.ts';
import { reportError } from './report-error.ts';
import { INTERRUPTED, runCli } from './run-cli.ts';
import { runProgram } from './run-program.ts';
import type { Terminal } from './terminal.ts';
import { tokenLabels } from './token-label.ts';

const EXAMPLE = new URL('../../test/golden/data/gpt2/', import.meta.url);
const PROMPT = [5, 17, 42, 99, 3, 64, 28, 81];
const NEW_TOKENS = 8;
const PATTERN = 'blocks.1.attn.pattern';
const OPENING = 'Once upon a time';

async function start([folder, ...rest]: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  if (folder !== undefined) {
    const prompt = rest.length === 0 && terminal.keyboard ? [OPENING] : rest;
    return runCli(['run', folder, ...prompt, '--verbose'], terminal, signal);
  }
  const path = fileURLToPath(EXAMPLE);
  const { paint, columns } = terminal;
  const say = createMessages(languageOf(terminal.env));
  const numbers = createNumbers(languageOf(terminal.env));
  const line = (text = '') => terminal.write(`${text}\n`);
  line(`${paint.bold('heed')}  ${wrap(say('whatHeedIs'), columns, '      ')}`);
  line();
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (!there) {
    line(wrap(say('noExample'), columns));
    line('  npm start -- ./gpt2 "Once upon a time"');
    return 1;
  }

  const { model, loadMs, close } = await openModel(path, { engine: NO_OPTIONS, terminal, say, numbers, signal });
  try {
    line(wrap(say('whatStartDoes'), columns));
    line();
    line(`${paint.dim(padEnd(say('loaded'), 8))}${relative('.', path)}, ${numbers.duration(loadMs)}`);
    line(`${paint.dim(padEnd(say('prompt'), 8))}${PROMPT.map(id => `#${id}`).join(' ')}`);
    line();
    const label = tokenLabels(undefined);
    const rows = createProbabilityTable(terminal, say, numbers, label);
    terminal.write(rows.header());
    const ids = [...PROMPT];
    const options = {
      maxNewTokens: NEW_TOKENS,
      minNewTokens: NEW_TOKENS,
      temperature: 1,
      seed: 7,
      topLogprobs: 5,
      signal,
    };
    for await (const event of model.generateIds([PROMPT], options)) {
      if (event.type === 'token') {
        ids.push(event.id);
        terminal.write(rows.row({ ...event, text: '' }));
      } else if (event.type === 'done') {
        const { newTokens, promptMs, generationMs } = event.stats;
        const ms = promptMs + generationMs;
        line();
        line(
          paint.dim(
            `${newTokens} ${say('tokens')}, ${numbers.duration(ms)}, ${numbers.digits((1000 * newTokens) / ms)} ${say('perSecond')}`,
          ),
        );
      }
    }
    const { trace } = await model.run({ input_ids: [ids] }, { trace: [PATTERN] });
    const size = ids.length;
    const head = (await trace[PATTERN]!.data()).subarray(0, size * size); // [T, T] of head 0
    line();
    line(`${paint.bold(say('whereItLooked'))}  ${paint.dim(`${PATTERN}, ${say('head')} 0`)}`);
    for (const text of shadeLines({ data: head, rows: size, columns: size }, ids.map(label), columns))
      line(`  ${text}`);
    line(paint.dim(wrap(say('shadesOfAttention'), columns)));
    line();
    line(paint.bold(say('next')));
    const heed = 'node dist/cli/main.js';
    for (const [command, does] of [
      ['npm start -- FOLDER "Once upon a time"', say('tryOwnModel')],
      [`${heed} inspect test/golden/data/gpt2`, say('tryInspect')],
      [`${heed} doctor`, say('tryDoctor')],
    ] as const)
      line(`  ${paint.cyan(command)}\n      ${paint.dim(wrap(does, columns, '      '))}`);
    return 0;
  } finally {
    close();
  }
}

const NO_OPTIONS = { threads: undefined, device: undefined, 'no-revectorize': false };

await runProgram((argv, terminal, signal) =>
  start(argv, terminal, signal).catch(error =>
    signal.aborted ? INTERRUPTED : reportError(error, terminal, { stack: !!terminal.env.HEED_DEBUG }),
  ),
);
