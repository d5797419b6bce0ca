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

const STEPS = 64;
/** Generation is measured in parts of so many tokens, in turns with the other engines. */
const STEPS_AT_ONCE = 16;

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
 * The engines side by side on a file: rounds of prompts of both lengths and a generation, one at least, then as many as begin
 * within `seconds`, at most `rounds`. An engine that cannot load the file is told of and left out.
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
    for (const { ask } of runs)
      for (const message of [{ prompt: 128 }, { generate: STEPS_AT_ONCE }]) await ask(message);
    const end = performance.now() + 1000 * seconds;
    for (let round = 0; round === 0 || (round < rounds && performance.now() < end); round++)
      for (const [message, key, times] of [
        [{ prompt: 128 }, 'prompt128', 1],
        [{ prompt: 512 }, 'prompt512', 1],
        [{ generate: STEPS_AT_ONCE }, 'steps', STEPS / STEPS_AT_ONCE],
      ] as const)
        for (let i = 0; i < times; i++) for (const { ask, figures } of runs) figures[key].push(...(await ask(message)));
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
