/** Starts a backend and loads a model for a command, with a progress line for those who wait. */
import type { WasmBackend } from '../backends/wasm/index.ts';
import type { AdapterUse } from '../hub/adapters.ts';
import { type LoadOptions, load, loadAdapter, type ModelProgress } from '../hub/load.ts';
import type { Model } from '../hub/model.ts';
import type { Backend } from '../tensor/index.ts';
import type { Values } from './command.ts';
import type { Say } from './messages.ts';
import type { Numbers } from './numbers.ts';
import type { ENGINE_OPTIONS } from './options.ts';
import type { Terminal } from './terminal.ts';
import { createTransferBar } from './transfer-bar.ts';

export interface OpenBackend {
  readonly backend: Backend;
  /** The same backend if it is the WebAssembly one, which knows more. */
  readonly wasm: WasmBackend | undefined;
}
export interface OpenModel extends OpenBackend {
  readonly model: Model;
  readonly loadMs: number;
  close(): void;
}
type EngineValues = Values<typeof ENGINE_OPTIONS>;

/** The backend that the options ask for. @throws BackendError, ConfigError */
export async function openBackend({ device, threads, 'no-revectorize': plain }: EngineValues): Promise<OpenBackend> {
  if (device === 'reference') {
    const { createReferenceBackend } = await import('../backends/reference/index.ts');
    return { backend: createReferenceBackend(), wasm: undefined };
  }
  const { createWasmBackend } = await import('../backends/wasm/index.ts');
  const wasm = await createWasmBackend({
    ...(threads !== undefined && { threads }),
    ...(plain && { revectorize: false }),
  });
  return { backend: wasm, wasm };
}

/** Loading takes at least this long before anything is said about it. */
const PATIENCE_MS = 1000;

export interface OpenOptions {
  readonly engine: EngineValues;
  readonly terminal: Terminal;
  readonly say: Say;
  readonly numbers: Numbers;
  readonly signal: AbortSignal;
  /** No progress line. */
  readonly quiet?: boolean | undefined;
  /** Adapters to put on, `FOLDER` or `FOLDER:SCALE`. */
  readonly adapters?: readonly string[];
  /** How to load the model itself. */
  readonly load?: Pick<LoadOptions, 'trainable' | 'head' | 'newHead'>;
}

/** @throws what `load` and `openBackend` throw; nothing stays open then */
export async function openModel(
  source: string,
  { engine, terminal, say, numbers, signal, quiet, adapters = [], load: how }: OpenOptions,
): Promise<OpenModel> {
  const start = performance.now();
  const open = await openBackend(engine);
  const bars = {
    download: createTransferBar(terminal, say, numbers),
    load: createTransferBar(terminal, say, numbers),
  };
  const onProgress = (progress: ModelProgress) => {
    if (quiet || performance.now() - start < PATIENCE_MS) return;
    const { loadedBytes, totalBytes } = progress;
    if (progress.stage === 'load') bars.load.show(say('loading'), loadedBytes, totalBytes);
    else bars.download.show(source, loadedBytes, totalBytes, progress.presentBytes);
  };
  try {
    const base = await load(source, { backend: open.backend, env: terminal.env, signal, onProgress, ...how });
    const uses: AdapterUse[] = [];
    for (const text of adapters) {
      const { folder, scale } = adapterArgument(text);
      uses.push({ adapter: await loadAdapter(base, folder, { env: terminal.env, signal }), scale });
    }
    const model = uses.length ? base.withAdapters(uses) : base;
    const close = () => {
      for (const { adapter } of uses) adapter.dispose();
      base.dispose();
      open.backend.close();
    };
    return { ...open, model, loadMs: performance.now() - start, close };
  } catch (error) {
    open.backend.close();
    throw error;
  } finally {
    bars.download.clear();
    bars.load.clear();
  }
}

/** `FOLDER:0.5`, or all of it is the folder, which then is not scaled. */
function adapterArgument(text: string): { folder: string; scale?: number } {
  const [, folder, scale] = /^(.+):([+-]?(?:\d+\.?\d*|\.\d+))$/.exec(text) ?? [];
  return folder === undefined ? { folder: text } : { folder, scale: Number(scale) };
}
