/** The tour of `npm start`: what the bundled models do, one screen each, with every number from the model itself. */
import type { WasmBackend } from '../backends/wasm/index.ts';
import { load } from '../hub/load.ts';
import type { Model } from '../hub/model.ts';
import { pipeline } from '../tasks/pipeline.ts';
import { dataOfAll } from '../tensor/index.ts';
import { widthOf, wrap } from './layout.ts';
import { patternLines } from './matrix-view.ts';
import type { Say } from './messages.ts';
import type { Numbers } from './numbers.ts';
import { createProbabilityTable } from './probability-table.ts';
import { scoreBars } from './score-bars.ts';
import type { Terminal } from './terminal.ts';
import { tokenLabels } from './token-label.ts';
import type { TourSay } from './tour-wording.ts';

export interface Tour {
  readonly terminal: Terminal;
  readonly say: Say;
  readonly told: TourSay;
  readonly numbers: Numbers;
  readonly backend: WasmBackend;
  readonly signal: AbortSignal;
}
const [STORY, NEW_TOKENS, SEED] = ['Anna hat einen roten Ball.', 24, 3];
const CHASE = 'Der Hund jagt die Katze.';
const HIDDEN = 'Der Hund [MASK] die Katze.';
const JUDGED = 'Die Suppe ist nicht gut.';
/** What the diffusion model was trained to fill, and its end of a text. */
const [CANVAS, END] = [24, '<|endoftext|>'];
/** States of the diffusion that are shown. */
const SHOWN_STEPS = 8;

/** One after the other. @throws what loading and running throw, `signal.reason` when aborted */
export async function runTour(tour: Tour): Promise<void> {
  for (const station of [write, fill, translate, judge, denoise, attend]) {
    tour.signal.throwIfAborted();
    await station(tour);
    tour.terminal.write('\n');
  }
}

function title({ terminal, told }: Tour, key: Parameters<TourSay>[0], model: string): void {
  const { paint, columns } = terminal;
  const gap = widthOf(told(key)) + 2 + widthOf(model) <= columns ? '  ' : '\n';
  terminal.write(`${wrap(paint.bold(told(key)), columns)}${gap}${paint.dim(model)}\n`);
}

async function withModel(tour: Tour, name: string, use: (model: Model) => Promise<void>): Promise<void> {
  const model = await load(name, { backend: tour.backend, signal: tour.signal });
  try {
    await use(model);
  } finally {
    model.dispose();
  }
}

function write(tour: Tour): Promise<void> {
  const { terminal, say, numbers, signal } = tour;
  return withModel(tour, 'kleinwelt-llama', async model => {
    title(tour, 'writes', 'kleinwelt-llama');
    terminal.write(`${terminal.paint.dim(STORY)}\n`);
    const rows = createProbabilityTable(terminal, say, numbers, tokenLabels(model.tokenizer));
    terminal.write(rows.header());
    const options = { maxNewTokens: NEW_TOKENS, temperature: 0.7, seed: SEED, topLogprobs: 5, signal };
    let text = '';
    for await (const event of model.generate(STORY, options)) {
      text += event.text;
      if (event.type === 'token') terminal.write(rows.row(event));
    }
    terminal.write(`${wrap(STORY + terminal.paint.cyan(text), terminal.columns)}\n`);
  });
}

function fill(tour: Tour): Promise<void> {
  return withModel(tour, 'kleinwelt-bert', async model => {
    title(tour, 'fills', 'kleinwelt-bert');
    const found = await (await pipeline('fill-mask', model))(HIDDEN, { topK: 5 });
    tour.terminal.write(`${tour.terminal.paint.dim(HIDDEN)}\n`);
    const entries = found.map(({ tokenStr, score, sequence }) => ({ name: tokenStr, score, rest: sequence }));
    tour.terminal.write(scoreBars(entries, tour.terminal, tour.numbers));
  });
}

function translate(tour: Tour): Promise<void> {
  return withModel(tour, 'kleinwelt-marian', async model => {
    title(tour, 'translates', 'kleinwelt-marian');
    const translated = await pipeline('translation', model);
    for (const [text, srcLang, tgtLang] of [
      [CHASE, 'de', 'en'],
      ['In the evening Anna looks for her red ball.', 'en', 'de'],
    ] as const) {
      const [{ translationText }] = (await translated(text, { srcLang, tgtLang })) as [{ translationText: string }];
      tour.terminal.write(`${tour.terminal.paint.dim(text)}\n  → ${tour.terminal.paint.cyan(translationText)}\n`);
    }
  });
}

function judge(tour: Tour): Promise<void> {
  return withModel(tour, 'kleinwelt-bert-sentiment', async model => {
    title(tour, 'judges', 'kleinwelt-bert-sentiment');
    const labels = await (await pipeline('text-classification', model))(JUDGED, { topK: 3 });
    tour.terminal.write(`${tour.terminal.paint.dim(JUDGED)}\n`);
    tour.terminal.write(
      scoreBars(
        labels.map(({ label, score }) => ({ name: label, score })),
        tour.terminal,
        tour.numbers,
      ),
    );
  });
}

function denoise(tour: Tour): Promise<void> {
  const { terminal, signal } = tour;
  return withModel(tour, 'kleinwelt-diffusion', async model => {
    title(tour, 'denoises', 'kleinwelt-diffusion');
    const mask = model.tokenizer.idToToken(model.denoiser().maskId)!;
    const options = { genLength: CANVAS, temperature: 0.5, seed: SEED, signal };
    const states: string[] = [];
    for await (const { text } of (await pipeline('denoise', model)).stream('', options)) {
      const shown = hidden(text, mask, terminal);
      // Where the text ends is found first, without a word to see.
      if (text.replaceAll(mask, '').replaceAll(END, '').trim() !== '' && shown !== states.at(-1)) states.push(shown);
    }
    const every = Math.max(1, Math.ceil(states.length / SHOWN_STEPS));
    for (const [i, state] of states.entries())
      if (i % every === 0 || i === states.length - 1) terminal.write(`${state}\n`);
  });
}
const hidden = (text: string, mask: string, { paint }: Terminal): string =>
  text
    .split(mask)
    .map(part => paint.cyan(part.replaceAll(END, '')))
    .join(paint.dim('░░'));

function attend(tour: Tour): Promise<void> {
  const { terminal, told } = tour;
  return withModel(tour, 'kleinwelt-bert', async model => {
    title(tour, 'attends', 'kleinwelt-bert');
    const { ids, tokens } = model.tokenizer.encode(CHASE);
    const inputs = { input_ids: [ids] };
    const names = model.names(inputs).filter(name => name.endsWith('.attn.pattern'));
    const { trace } = await model.run(inputs, { trace: names });
    await dataOfAll(...Object.values(trace));
    const at = tokens.indexOf('jagt');
    const [rows, labels]: [number[], string[]] = [[], []];
    for (const [layer, name] of names.entries()) {
      const pattern = trace[name]!;
      const [, heads, T] = pattern.shape as [number, number, number, number];
      const data = await pattern.data();
      for (let head = 0; head < heads; head++) {
        labels.push(`${layer}.${head}`);
        for (let key = 0; key < T; key++) rows.push(Number(data[(head * T + at) * T + key]));
      }
    }
    const matrix = { data: rows, rows: labels.length, columns: tokens.length };
    const view = patternLines(matrix, { rows: labels, columns: tokens }, terminal.columns, terminal.paint);
    terminal.write(`${terminal.paint.dim(told('layerAndHead'))}\n${view.lines.map(line => `  ${line}\n`).join('')}`);
  });
}
