/**
 * Quantised models from GGUF files: the shapes of GPT-2 124M and a LLaMA of 1.1 billion parameters with random weights. Load time,
 * memory, tokens per second of prompts and of generation, how much of the memory's bandwidth the latter is, and how both compare
 * with another engine.
 */
import { bandwidth } from './bandwidth.ts';
import { type EngineToRun, heedEngines, type LlamaFigures, measure } from './llama-engines.ts';
import { type BenchFile, type FileToBench, withFile } from './llama-models.ts';
import type { Row } from './table.ts';
import { summarize } from './timing.ts';

const TYPES = ['q8_0', 'q4_0', 'f16'] as const;
/** Measured unless files are chosen: half precision takes longest, and the tiny one only shows that all runs. */
const USUAL: readonly FileToBench[] = ['gpt2-124m', 'llama-1.1b'].flatMap(model =>
  (['q8_0', 'q4_0'] as const).map(type => ({ model, type })),
);
const ALL: readonly FileToBench[] = ['gpt2-124m', 'llama-1.1b', 'llama-tiny'].flatMap(model =>
  TYPES.map(type => ({ model, type })),
);

/** @param chosen parts of names of files, such as `llama-1.1b-q8_0`; empty = the usual ones */
export function filesToBench(chosen: readonly string[]): readonly FileToBench[] {
  if (chosen.length === 0) return USUAL;
  const wanted = ALL.filter(({ model, type }) => chosen.some(name => `${model}-${type}`.includes(name)));
  if (wanted.length) return wanted;
  const names = ALL.map(({ model, type }) => `${model}-${type}`);
  throw new Error(`no such file: ${chosen.join(', ')}; there are: ${names.join(', ')}`);
}

const listOf = (name: string): string[] => (process.env[name] ?? '').split(',').filter(Boolean);

/** Tokens per second at best, and in the middle. */
function speeds(run: LlamaFigures) {
  const [short, long, step] = [run.prompt128, run.prompt512, run.steps].map(times => summarize([...times]));
  return {
    '128 tok/s': 128_000 / short!.min,
    '512 tok/s': 512_000 / long!.min,
    'decode tok/s': 1000 / step!.min,
    median: 1000 / step!.median,
  };
}

/**
 * One row for each file, number of threads and engine: tokens per second of prompts of 128 and 512 tokens and of generation, and
 * the bytes of weights that the latter takes per second, beside what loops reach that only read.
 * @param peer is run in the same turns, and what all others are divided by
 * @param rounds at most; HEED_BENCH_SECONDS ends them earlier
 */
export async function llamaRows(files: readonly FileToBench[], rounds: number, peer?: EngineToRun): Promise<Row[]> {
  const seconds = Number(process.env.HEED_BENCH_SECONDS ?? 20);
  const numbers = listOf('HEED_BENCH_THREADS').map(Number);
  const engines = [...heedEngines(listOf('HEED_BENCH_NODES')), ...(peer ? [peer] : [])];
  const before = await readRates();
  const results: { readonly file: BenchFile; readonly runs: readonly LlamaFigures[] }[] = [];
  for (const wanted of files)
    await withFile(wanted, async file => {
      for (const threads of numbers.length ? numbers : [1, 2]) {
        const start = performance.now();
        const runs = await measure(file, threads, engines, { rounds, seconds });
        results.push({ file, runs });
        const took = ((performance.now() - start) / 1000).toFixed(0);
        console.error(`${file.model} ${file.type}, threads ${threads}: ${took} s`);
      }
    });
  const after = await readRates();
  return results.flatMap(({ file, runs }) => {
    const other = runs.find(({ engine }) => engine === peer?.name);
    return runs.map((run): Row => {
      const speed = speeds(run);
      const gigabytes = (file.bytes * speed['decode tok/s']) / 1e9;
      const rate = Math.max(before.get(run.threads)!, after.get(run.threads)!);
      return {
        ...{ file: `${file.model}-${file.type}`, threads: run.threads, engine: run.engine, 'load ms': run.loadMs },
        ...(run.used !== undefined && { 'memory / file': run.used / file.bytes }),
        ...{ 'process / file': run.rss / file.bytes, ...speed },
        ...{ 'GB/s': gigabytes, 'of read %': (100 * gigabytes) / rate },
        ...(other && run !== other && ratios(speed, speeds(other))),
      };
    });
  });
}

function ratios(own: ReturnType<typeof speeds>, other: ReturnType<typeof speeds>): Row {
  return {
    '128 ratio': own['128 tok/s'] / other['128 tok/s'],
    '512 ratio': own['512 tok/s'] / other['512 tok/s'],
    'decode ratio': own['decode tok/s'] / other['decode tok/s'],
    '(median)': own.median / other.median,
  };
}

/** GB/s that loops which only read reach, by the number of threads. */
async function readRates(): Promise<ReadonlyMap<number, number>> {
  const reads = (await bandwidth()).filter(({ what }) => String(what).startsWith('read'));
  return new Map(reads.map(({ threads, best }) => [Number(threads), Number(best)]));
}

/** Rounds of `npm run bench -- llama`, at most. */
const ROUNDS = 3;

/** heed alone; HEED_BENCH_MODELS names files. */
export const llama = (): Promise<Row[]> => llamaRows(filesToBench(listOf('HEED_BENCH_MODELS')), ROUNDS);
