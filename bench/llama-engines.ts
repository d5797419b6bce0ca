/**
 * Engines that run GGUF files, each in a process of its own that stays and is asked in turn with the others, so that a busy moment
 * hits all of them.
 */
import { execFileSync, fork } from 'node:child_process';
import type { BenchFile } from './llama-models.ts';

/** What is started. */
export interface EngineToRun {
  /** In the table. */
  readonly name: string;
  readonly engine: 'heed' | 'node-llama-cpp';
  /** Path of the Node that runs it. */
  readonly node: string;
  /** Whether V8 may make 256-bit instructions of pairs of 128-bit ones. */
  readonly revectorize: boolean;
}
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

/** A generation of 64 tokens is measured in parts, in turns with the other engines. */
const STEPS = { message: { generate: 16 }, key: 'steps' } as const;
const SHORT = { message: { prompt: 128 }, key: 'prompt128' } as const;
const LONG = { message: { prompt: 512 }, key: 'prompt512' } as const;
const ROUND = [SHORT, STEPS, LONG, STEPS, STEPS, STEPS];

/** heed in this Node and in others, each with and without the revectoriser where its V8 has one. */
export function heedEngines(otherNodes: readonly string[]): EngineToRun[] {
  return [process.execPath, ...otherNodes].flatMap(node => {
    const ask = (...args: string[]) => execFileSync(node, args, { encoding: 'utf8', maxBuffer: 1 << 24 });
    const version = ask('-p', 'process.versions.node').trim();
    const asked = process.env.HEED_REVECTORIZE !== '0';
    const able = ask('--v8-options').includes('experimental-wasm-revectorize');
    const run = (revectorize: boolean, note = ''): EngineToRun => ({
      ...{ name: `heed, Node ${version}${note}`, engine: 'heed', node, revectorize },
    });
    return able && asked ? [run(true), run(false, ', 128 bits')] : [run(false)];
  });
}

/**
 * The engines side by side on a file: rounds of prompts of both lengths and a generation. All is measured once at least; beyond
 * that nothing begins after `seconds`. An engine that cannot load the file is told of and left out.
 */
export async function measure(
  file: BenchFile,
  threads: number,
  engines: readonly EngineToRun[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<readonly LlamaFigures[]> {
  const runs: Engine[] = [];
  try {
    for (const engine of engines) {
      const run = await open(engine, file, threads).catch((error: Error) => console.error(error.message));
      if (run) runs.push(run);
    }
    // Engines compile what is used often once more, and better.
    for (const { ask } of runs) for (const { message } of [SHORT, STEPS]) await ask(message);
    const end = performance.now() + 1000 * seconds;
    for (let round = 0; round < rounds; round++)
      for (const { message, key } of ROUND) {
        if (performance.now() > end && runs.every(({ figures }) => figures[key].length > 0)) continue;
        for (const { ask, figures } of runs) figures[key].push(...(await ask(message)));
      }
    return runs.map(run => run.figures);
  } finally {
    for (const { close } of runs) close();
  }
}

interface Engine {
  readonly figures: LlamaFigures & Record<'prompt128' | 'prompt512' | 'steps', number[]>;
  ask(message: object): Promise<number[]>;
  close(): void;
}

/** Starts an engine; rejects with what it says when it cannot load the file. */
async function open(what: EngineToRun, { path }: BenchFile, threads: number): Promise<Engine> {
  const child = fork(new URL('llama-run.mjs', import.meta.url), [what.engine, path, `${threads}`], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    execPath: what.node,
    execArgv: [],
    env: { ...process.env, HEED_REVECTORIZE: what.revectorize ? '1' : '0' },
  });
  let said = '';
  child.stderr?.on('data', (text: Buffer) => {
    said += text;
  });
  const gone = new Promise<never>((_, fail) => {
    child.once('error', fail);
    child.once('exit', () => fail(new Error(`${what.name} ended: ${/\w*Error: .*/.exec(said)?.[0] ?? said}`)));
  });
  gone.catch(() => {}); // heard only while an answer is awaited
  const answer = <T>() =>
    Promise.race([gone, new Promise<T>(done => child.once('message', message => done(message as T)))]);
  const loaded = await answer<Pick<LlamaFigures, 'loadMs' | 'used' | 'rss'>>();
  return {
    figures: { engine: what.name, threads, ...loaded, prompt128: [], prompt512: [], steps: [] },
    ask(message: object): Promise<number[]> {
      child.send(message);
      return answer<number[]>();
    },
    close: () => void (child.connected && child.disconnect()),
  };
}
