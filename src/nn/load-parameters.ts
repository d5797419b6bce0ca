/** Streams the tensors of a checkpoint into a backend, each into its final place. */
import { CheckpointError } from '../errors.ts';
import {
  type Checkpoint,
  isBlockDType,
  type TensorDType,
  type TensorEntry,
  tensorBytes,
  toFloat32,
} from '../formats/index.ts';
import { type Backend, CannotKeepError, leavesOf, type Shape, Tensor, type WeightDType } from '../tensor/index.ts';
import { type InitializeOptions, initializeParameters } from './initialize.ts';
import { checkFits } from './memory-need.ts';
import { listParams, mapSpec, type ParamSpec, type Params, type Spec } from './params.ts';

export interface LoadProgress {
  readonly tensor: string;
  readonly loadedBytes: number;
  readonly totalBytes: number;
}
export interface LoadParametersOptions {
  /** Parameter name of a checkpoint's tensor; undefined = not needed. */
  readonly rename: (key: string) => string | undefined;
  /** Plain row-major weights, for training. Default false: matrices may be packed for products. */
  readonly plain?: boolean | undefined;
  /** Matrices stay in the file's dtype where the backend computes with it. Default false: all become f32. */
  readonly keep?: boolean | undefined;
  /** Every matrix of the file is `[out, in]`, also those whose declarations say `transposed`. */
  readonly outputRows?: boolean | undefined;
  /** Parameters that the checkpoint may lack, or have in another shape: they are drawn at random then. Default: none. */
  readonly fresh?: ((name: string) => boolean) | undefined;
  /** How they are drawn. */
  readonly draw?: (InitializeOptions & { readonly seed: number }) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Name of the file or folder, for messages. */
  readonly where?: string | undefined;
}
/** Rows are read in pieces of about this many bytes, into two buffers in turn. */
const CHUNK_BYTES = 2 << 20;
const FLOATS = ['F32', 'F16', 'BF16', 'F64'] as const;
type Float = (typeof FLOATS)[number];
const isFloat = (dtype: TensorDType): dtype is Float => (FLOATS as readonly string[]).includes(dtype);

/** Rows of the file as any backend takes them: blocks become the values that they stand for. */
function floats(bytes: Uint8Array, dtype: TensorDType): readonly [Uint8Array, Float] {
  return isFloat(dtype) ? [bytes, dtype] : [new Uint8Array(toFloat32(bytes, dtype).buffer), 'F32'];
}

export interface Loaded<S> {
  readonly params: Params<S>;
  /** What the checkpoint calls each parameter that it holds. */
  readonly names: ReadonlyMap<string, string>;
  /** Names in the checkpoint that no parameter asked for. */
  readonly unexpected: readonly string[];
}

/**
 * Loads every declared parameter; a buffer that the file lacks is filled as its declaration says.
 * @throws CheckpointError that lists every missing and mis-shaped tensor at once, or says that the backend has no room for them;
 * nothing stays allocated then
 */
export async function loadParameters<S extends Spec>(
  checkpoint: Checkpoint,
  spec: S,
  backend: Backend,
  options: LoadParametersOptions,
): Promise<Loaded<S>> {
  const { found, names, unexpected } = match(checkpoint, spec, options);
  const totalBytes = [...found.values()].reduce((n, entry) => n + entry.byteLength, 0);
  // In the order of the file: a source that reads ahead fetches every byte once.
  const specs = new Map(listParams(spec));
  const wanted = [...found].map(([name, entry]) => ({
    name,
    entry,
    param: specs.get(name)!,
    kept: isKept(entry, specs.get(name)!, backend, options),
  }));
  checkFits(wanted, backend, options.where, options.plain);
  const buffers = [new Uint8Array(0), new Uint8Array(0)] as [Uint8Array, Uint8Array];
  const made = new Map<string, Tensor>();
  let loadedBytes = 0;
  try {
    for (const { name, entry, param, kept } of wanted) {
      const load = (keep: boolean) => loadOne(checkpoint, { entry, param, keep }, backend, buffers, options);
      made.set(name, await load(kept).catch(error => retryAsFloats(error, load)));
      loadedBytes += entry.byteLength;
      options.onProgress?.({ tensor: name, loadedBytes, totalBytes });
    }
    const absent = Object.fromEntries([...specs].filter(([name]) => !found.has(name)));
    const { seed, ...draw } = { seed: 0, plain: options.plain, ...options.draw };
    const drawn = await initializeParameters(absent, backend, seed, draw);
    for (const [name, tensor] of Object.entries(drawn)) made.set(name, tensor);
  } catch (error) {
    for (const tensor of made.values()) tensor.dispose();
    throw error;
  }
  return { params: mapSpec(spec, name => made.get(name)!), names, unexpected };
}

/** A weight that cannot stay as it is becomes f32; every other failure stands. */
function retryAsFloats(error: unknown, load: (keep: boolean) => Promise<Tensor>): Promise<Tensor> {
  if (!(error instanceof CannotKeepError)) throw error;
  return load(false);
}

/** Gives all parameters' memory back. */
export function disposeParameters(params: unknown): void {
  for (const [, tensor] of leavesOf(params)) tensor.dispose();
}

/** Whether the file holds the transpose. */
const isTransposed = ({ transposed = false }: ParamSpec, { outputRows }: LoadParametersOptions): boolean =>
  transposed && !outputRows;

/** Whether a weight stays as the file has it. */
const isKept = (
  { dtype }: TensorEntry,
  param: ParamSpec,
  { keeps }: Backend,
  options: LoadParametersOptions,
): boolean =>
  (options.keep ?? false) && !options.plain && !isTransposed(param, options) && !!param.matrix && keeps.has(dtype);

async function loadOne(
  checkpoint: Checkpoint,
  { entry, param, keep }: { readonly entry: TensorEntry; readonly param: ParamSpec; readonly keep: boolean },
  backend: Backend,
  buffers: [Uint8Array, Uint8Array],
  options: LoadParametersOptions,
): Promise<Tensor> {
  const { signal, plain } = options;
  const rowCount = entry.shape[0] ?? 1;
  const rowBytes = entry.byteLength / Math.max(1, rowCount);
  const pieceRows = Math.max(1, Math.floor(CHUNK_BYTES / Math.max(1, rowBytes)));
  const read = (piece: number) => {
    const row = piece * pieceRows;
    const length = Math.min(pieceRows, rowCount - row) * rowBytes;
    if (buffers[piece & 1]!.length < length) buffers[piece & 1] = new Uint8Array(length);
    return checkpoint.read(entry.name, row * rowBytes, length, buffers[piece & 1]!.subarray(0, length));
  };
  const writer = backend.weight(param.shape, {
    transposed: isTransposed(param, options),
    matrix: !plain && (param.matrix ?? false),
    keep,
  });
  try {
    const pieces = entry.byteLength === 0 ? 0 : Math.ceil(rowCount / pieceRows);
    let next = pieces > 0 ? read(0) : undefined;
    for (let piece = 0; piece < pieces; piece++) {
      signal?.throwIfAborted();
      const bytes = await next!;
      // The other buffer fills while this one is packed.
      next = piece + 1 < pieces ? read(piece + 1) : undefined;
      next?.catch(() => {}); // awaited in the next turn; a failed write must not leave it unhandled
      await writer.write(...(keep ? ([bytes, entry.dtype as WeightDType] as const) : floats(bytes, entry.dtype)));
    }
    return Tensor.fromDevice(await writer.finish(), param.shape);
  } catch (error) {
    writer.abort();
    throw error;
  }
}

function match(checkpoint: Checkpoint, spec: Spec, options: LoadParametersOptions) {
  const { rename, where } = options;
  const fileShape = (param: ParamSpec): Shape =>
    isTransposed(param, options) ? [...param.shape].reverse() : param.shape;
  const wanted = new Map(listParams(spec));
  const found = new Map<string, TensorEntry>();
  const names = new Map<string, string>();
  const unexpected: string[] = [];
  for (const entry of checkpoint.tensors.values()) {
    const name = rename(entry.name);
    if (name === undefined) continue;
    if (!names.has(name) || entry.name.endsWith(name)) names.set(name, entry.name);
    // A shared table may lie in a file under several names: the parameter's own counts.
    if (found.has(name) && entry.name !== name && wanted.get(name)!.shape.length > 1) continue;
    if (wanted.has(name)) found.set(name, entry);
    else unexpected.push(entry.name);
  }
  const problems: string[] = [];
  for (const [name, param] of wanted) {
    const entry = found.get(name);
    if (options.fresh?.(name) && `${entry?.shape}` !== `${fileShape(param)}`) found.delete(name);
    else if (!entry) {
      if (param.constant !== 'buffer') problems.push(`${name} is missing${nearest(name, unexpected)}`);
    } else if (`${entry.shape}` !== `${fileShape(param)}`)
      problems.push(`${entry.name} is [${entry.shape}], the config asks for [${fileShape(param)}]`);
    else if (!isFloat(entry.dtype) && !isBlockDType(entry.dtype))
      problems.push(`${entry.name} is ${entry.dtype}, a parameter is one of ${FLOATS.join(', ')}, or in blocks`);
    else if (entry.byteLength !== tensorBytes(entry.dtype, entry.shape))
      problems.push(`${entry.name} has ${entry.byteLength} bytes, which do not fit [${entry.shape}]`);
  }
  if (problems.length) {
    const shown = problems.slice(0, 20).join('; ') + (problems.length > 20 ? `; and ${problems.length - 20} more` : '');
    throw new CheckpointError(`the checkpoint does not fit the config: ${shown}`, {
      ...(unexpected.length && { seen: `tensors that nothing asked for: ${unexpected.slice(0, 8).join(', ')}` }),
      fix: 'check that config.json belongs to these weights',
      where,
    });
  }
  return { found, names, unexpected };
}

/** The unclaimed name that shares the longest ending with `name`, as a hint. */
function nearest(name: string, candidates: readonly string[]): string {
  let best = '';
  let length = 3;
  for (const candidate of candidates) {
    let n = 0;
    while (n < name.length && n < candidate.length && name.at(-1 - n) === candidate.at(-1 - n)) n++;
    if (n > length) [best, length] = [candidate, n];
  }
  return best && ` (is it ${best}?)`;
}
