/**
 * `heed bench`: how fast a model reads and writes here. Each figure is the best and the median of several runs of the same
 * work; writing is compared with how fast this engine gets a matrix through a product with one row, measured in between.
 */
import type { WasmBackend } from '../../backends/wasm/index.ts';
import { ConfigError } from '../../errors.ts';
import type { Model } from '../../hub/model.ts';
import { nodeOf } from '../../nn/adapter.ts';
import { linear, Tensor } from '../../tensor/index.ts';
import { createRng } from '../../util/rng.ts';
import { defineCommand } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { padEnd, table, wrap } from '../layout.ts';
import { type OpenModel, openModel } from '../open-model.ts';
import { ADAPTER_OPTION, ENGINE_OPTIONS, OUTPUT_OPTIONS } from '../options.ts';
import { wordingFor } from '../wording.ts';

const PROMPT = 128;
const NEW = 64;
const RUNS = 5;
/** Of the matrix that is measured against: more than caches hold. */
const ROWS = 8192;
const WIDTH = 4096;
const CHUNK_ROWS = 64;

export const bench = defineCommand({
  name: 'bench',
  summary: 'measures how fast a model reads a prompt and writes tokens on this machine, and what memory it takes.',
  positionals: [
    { name: 'MODEL', help: 'a language model: kleinwelt-llama, a folder, or a model on the hub, org/name' },
  ],
  options: {
    'prompt-tokens': { kind: 'integer', short: 'p', value: 'N', min: 1, help: `tokens to read (default ${PROMPT})` },
    'new-tokens': { kind: 'integer', short: 'n', value: 'N', min: 2, help: `tokens to write (default ${NEW})` },
    runs: { kind: 'integer', value: 'N', min: 1, help: `runs that count, after one that does not (default ${RUNS})` },
    ...ADAPTER_OPTION,
    ...ENGINE_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    { line: 'heed bench kleinwelt-llama -p 32 -n 16', does: 'a few seconds' },
    { line: 'heed bench kleinwelt-llama -p 32 -n 16 --runs 3 --threads 1 --json', does: 'one thread, for a program' },
  ],
  async run({ values, positionals: [source], terminal, signal }) {
    const { say, numbers } = wordingFor(values, terminal);
    const open = await openModel(source!, {
      ...{ engine: values, terminal, say, numbers, signal, adapters: values.adapter },
    });
    try {
      const weightBytes = open.wasm && heldBytes(open.model);
      const work = workFor(open.model, values['prompt-tokens'] ?? PROMPT, values['new-tokens'] ?? NEW);
      const times = { prompt: [] as number[], token: [] as number[], matrix: [] as number[] };
      const matrix = open.wasm && (await matrixProduct(open.wasm));
      const runs = values.runs ?? RUNS;
      for (let run = 0; run <= runs; run++) {
        const { promptMs, generationMs } = await generateOnce(open, work, signal);
        const matrixMs = matrix && (await matrix.run());
        if (run === 0) continue;
        times.prompt.push(promptMs);
        // The first token comes out of reading the prompt.
        times.token.push(generationMs / (work.newTokens - 1));
        if (matrixMs !== undefined) times.matrix.push(matrixMs);
      }
      matrix?.dispose();
      const rate = (tokens: number, ms: readonly number[]) => ({
        best: (1000 * tokens) / Math.min(...ms),
        median: (1000 * tokens) / median(ms),
      });
      const [prompt, generation] = [rate(work.prompt.length, times.prompt), rate(1, times.token)];
      const bytesPerSecond = weightBytes && weightBytes * generation.best;
      const matrixBytes = times.matrix.length > 0 ? (4000 * ROWS * WIDTH) / Math.min(...times.matrix) : undefined;
      const share = bytesPerSecond && matrixBytes ? bytesPerSecond / matrixBytes : undefined;
      const { maxRSS } = process.resourceUsage();
      const facts = {
        ...{ model: source, threads: open.wasm?.link.threads, runs },
        ...{ promptTokens: work.prompt.length, newTokens: work.newTokens, loadMs: open.loadMs },
        ...{ promptTokensPerSecond: prompt, newTokensPerSecond: generation },
        ...{
          weightBytes,
          peakBytes: maxRSS * 1024,
          weightBytesPerSecond: bytesPerSecond,
          matrixBytesPerSecond: matrixBytes,
        },
        shareOfMatrix: share,
      };
      if (values.json) return terminal.write(`${jsonText(facts)}\n`);
      const right = { align: 'right' } as const;
      const speeds = table(
        [
          ['', say('best'), say('median'), ''],
          ...[
            [say('prompt'), work.prompt.length, prompt] as const,
            [say('generated'), work.newTokens, generation] as const,
          ].map(([name, count, { best, median }]) => [
            `${name}, ${count} ${say('tokens')}`,
            numbers.digits(best),
            numbers.digits(median),
            say('perSecond'),
          ]),
        ],
        [{}, right, right, {}],
      );
      const { paint } = terminal;
      const row = (name: string, value: string) => `${padEnd(name, 24)}${value}`;
      const lines = [
        `${paint.bold(source!)}  ${open.model.parts.type}, ${open.wasm ? `wasm, ${open.wasm.link.threads} ${say('threads')}` : 'reference'}`,
        '',
        ...speeds.map((line, i) => (i === 0 ? paint.dim(line) : line)),
        '',
        row(say('loaded'), numbers.duration(open.loadMs)),
        ...(weightBytes === undefined ? [] : [row(say('weightsInMemory'), numbers.bytes(weightBytes))]),
        row(say('peakMemory'), numbers.bytes(facts.peakBytes)),
        ...(share === undefined
          ? []
          : [
              row(say('weightsRead'), `${numbers.bytes(bytesPerSecond!)}/s`),
              row(
                say('matrixRead'),
                `${numbers.bytes(matrixBytes!)}/s, ${say('reached').replace('{}', numbers.percent(share))}`,
              ),
            ]),
        ...(share !== undefined && share > 1 ? [paint.dim(wrap(say('inTheCache'), terminal.columns))] : []),
      ];
      terminal.write(`${lines.join('\n')}\n`);
    } finally {
      open.close();
    }
  },
});

interface Work {
  readonly prompt: readonly number[];
  readonly newTokens: number;
}

/** Ids drawn once: what they mean does not change the time. @throws ConfigError for more than the context holds */
function workFor(model: Model, promptTokens: number, newTokens: number): Work {
  const { contextLength, vocabSize } = model;
  if (contextLength !== undefined && promptTokens + newTokens > contextLength)
    throw new ConfigError('the context of this model is shorter than this test', {
      seen: `${promptTokens} tokens to read, ${newTokens} to write`,
      expected: `at most ${contextLength} together`,
      fix: `--prompt-tokens ${Math.ceil(contextLength / 2)} --new-tokens ${Math.floor(contextLength / 4)}`,
    });
  const rng = createRng(1);
  return { prompt: Array.from({ length: promptTokens }, () => rng.below(vocabSize)), newTokens };
}

async function generateOnce({ model }: OpenModel, { prompt, newTokens }: Work, signal: AbortSignal) {
  const options = { maxNewTokens: newTokens, minNewTokens: newTokens, doSample: false, numBeams: 1, signal };
  for await (const event of model.generateIds([prompt], options)) if (event.type === 'done') return event.stats;
  throw new ConfigError('the model wrote nothing');
}

/** Of the parameters in the backend; a tied matrix counts once. */
function heldBytes({ parts }: Model): number {
  const buffers = [...parts.specs.keys()].flatMap(name => {
    const node = nodeOf(parts.params, name);
    return node instanceof Tensor && node.storage?.kind === 'device' ? [node.storage.buffer] : [];
  });
  return [...new Set(buffers)].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

/** A product of one row with a large matrix of single precision, which waits for memory; `run` returns milliseconds. */
async function matrixProduct(wasm: WasmBackend) {
  const writer = wasm.weight([ROWS, WIDTH], { matrix: true });
  const some = new Uint8Array(new Float32Array(CHUNK_ROWS * WIDTH).fill(0.5).buffer);
  for (let row = 0; row < ROWS; row += CHUNK_ROWS) await writer.write(some, 'F32');
  const weight = Tensor.fromDevice(await writer.finish(), [ROWS, WIDTH]);
  const x = new Float32Array(WIDTH).fill(0.5);
  return {
    async run(): Promise<number> {
      const product = linear(Tensor.from(x, [1, WIDTH]), weight);
      await product.data();
      product.dispose();
      return wasm.lastRun.kernelMs;
    },
    dispose: () => weight.dispose(),
  };
}
