/**
 * Quantised models from GGUF files: the shapes of GPT-2 124M and a LLaMA of 1.1 billion parameters with random weights. Load time,
 * memory, tokens per second of prompts and of generation, and how much of the memory's bandwidth the latter is.
 */
import { fork } from 'node:child_process';
import { bandwidth } from './bandwidth.ts';
import { BENCH_MODELS, type BenchFile, benchFiles } from './llama-models.ts';
import type { Row } from './table.ts';
import { summarize } from './timing.ts';

/** How an engine did. Times in milliseconds. */
export interface LlamaFigures {
  readonly engine: string;
  readonly threads: number;
  readonly loadMs: number;
  /** Bytes in the engine's memory after loading, where it says. */
  readonly used: number | undefined;
  /** Bytes that the process grew by. */
  readonly rss: number;
  readonly prompt128: readonly number[];
  readonly prompt512: readonly number[];
  readonly steps: readonly number[];
}

const THREADS = [1, 2];
export const TYPES = ['q8_0', 'q4_0', 'f16'] as const;
export const ALL = BENCH_MODELS.flatMap(model => TYPES.map(type => ({ model, type })));
const STEPS = 64;
/** Generation is measured in parts of so many tokens, in turns with the other engines. */
const STEPS_AT_ONCE = 16;

/**
 * The engines side by side, each in a process that stays, asked in turn for a prompt or a few tokens, so that a busy moment hits
 * all of them; with each number of threads.
 * @param rounds prompts of each length, and generations
 * @returns nothing for a file that one of them cannot load, which is told
 */
export async function measure(
  file: BenchFile,
  engines: readonly string[],
  rounds: number,
): Promise<readonly LlamaFigures[]> {
  const figures: LlamaFigures[] = [];
  for (const threads of THREADS) {
    const runs: Engine[] = [];
    try {
      for (const engine of engines) {
        const run = await open(engine, file, threads).catch((error: Error) => console.error(error.message));
        if (!run) return [];
        runs.push(run);
      }
      // Engines compile what is used often once more, and better.
      for (const { ask } of runs) for (const message of [{ prompt: 128 }, { generate: STEPS }]) await ask(message);
      for (let round = 0; round < rounds; round++)
        for (const [message, key, times] of [
          [{ prompt: 128 }, 'prompt128', 1],
          [{ prompt: 512 }, 'prompt512', 1],
          [{ generate: STEPS_AT_ONCE }, 'steps', STEPS / STEPS_AT_ONCE],
        ] as const)
          for (let i = 0; i < times; i++)
            for (const { ask, figures } of runs) figures[key].push(...(await ask(message)));
      figures.push(...runs.map(run => run.figures));
    } finally {
      for (const { close } of runs) close();
    }
  }
  return figures;
}

interface Engine {
  readonly figures: LlamaFigures & Record<'prompt128' | 'prompt512' | 'steps', number[]>;
  ask(message: object): Promise<number[]>;
  close(): void;
}

/** Starts an engine; rejects with what it says when it cannot load the file. */
async function open(engine: string, { path }: BenchFile, threads: number): Promise<Engine> {
  const child = fork(new URL('llama-run.mjs', import.meta.url), [engine, path, `${threads}`], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    execArgv: [],
  });
  let said = '';
  child.stderr?.on('data', (text: Buffer) => {
    said += text;
  });
  const gone = new Promise<never>((_, fail) => {
    child.once('exit', () => fail(new Error(`${engine} ended: ${/\w*Error: .*/.exec(said)?.[0] ?? said}`)));
  });
  gone.catch(() => {}); // heard only while an answer is awaited
  const answer = <T>() =>
    Promise.race([gone, new Promise<T>(done => child.once('message', message => done(message as T)))]);
  const loaded = await answer<Pick<LlamaFigures, 'loadMs' | 'used' | 'rss'>>();
  return {
    figures: { engine, threads, ...loaded, prompt128: [], prompt512: [], steps: [] },
    ask(message: object): Promise<number[]> {
      child.send(message);
      return answer<number[]>();
    },
    close: () => void (child.connected && child.disconnect()),
  };
}

/** Tokens per second at best, and in the middle. */
export function speeds(run: LlamaFigures) {
  const [short, long, step] = [run.prompt128, run.prompt512, run.steps].map(times => summarize([...times]));
  return {
    'prompt 128 tok/s': 128_000 / short!.min,
    'prompt 512 tok/s': 512_000 / long!.min,
    'decode tok/s': 1000 / step!.min,
    'decode median tok/s': 1000 / step!.median,
  };
}

export async function llama(): Promise<Row[]> {
  const reads = await bandwidth();
  const rate = (threads: number) =>
    Number(reads.find(row => String(row.what).startsWith('read') && row.threads === threads)?.best);
  const { files, cleanUp } = await benchFiles(ALL);
  try {
    const rows: Row[] = [];
    for (const file of files)
      for (const run of await measure(file, ['heed'], 2)) {
        const speed = speeds(run);
        const gigabytes = (file.bytes * speed['decode tok/s']) / 1e9;
        rows.push({
          ...{ model: file.model, type: file.type, threads: run.threads, 'load ms': run.loadMs },
          ...{ 'memory / file': (run.used ?? 0) / file.bytes, 'process / file': run.rss / file.bytes },
          ...speed,
          'weights GB/s': gigabytes,
          'share of read %': (100 * gigabytes) / rate(run.threads),
        });
      }
    return rows;
  } finally {
    cleanUp();
  }
}
