/** Random parameters for a model that was not trained yet, written straight into a backend. */
import { type Backend, type Shape, sizeOf, Tensor } from '../tensor/index.ts';
import { createRng, type Rng } from '../util/rng.ts';
import { listParams, mapSpec, type ParamSpec, type Params, type Spec } from './params.ts';

/** Standard deviation of matrices in GPT-2 and LLaMA. Radford et al. 2018. */
const DEVIATION = 0.02;
/** Values are drawn in pieces of about this many bytes. */
const PIECE_BYTES = 1 << 20;

export interface InitializeOptions {
  /** Row-major weights, for training. Default false: matrices may be packed for products. */
  readonly plain?: boolean | undefined;
  /** Standard deviation of matrices (`initializer_range` of a config), or of each by its name. Default 0.02. */
  readonly deviation?: number | ((name: string) => number) | undefined;
}

/**
 * Draws every declared parameter: normal, zeros or ones, as its declaration says. Equal seeds give equal parameters on
 * every backend; each parameter has a random stream of its own. Beside the weights themselves a piece of about 1 MiB (or
 * one row) is in memory. Dispose the result with `disposeParameters`.
 * @throws ConfigError for a seed that is no safe integer, BackendError when the memory cannot be had
 */
export async function initializeParameters<S extends Spec>(
  spec: S,
  backend: Backend,
  seed: number,
  options: InitializeOptions = {},
): Promise<Params<S>> {
  const made = new Map<string, Tensor>();
  const buffer = new PieceBuffer();
  try {
    for (const [i, [name, param]] of listParams(spec).entries())
      made.set(name, await drawOne(name, param, backend, createRng(seed, i), buffer, options));
  } catch (error) {
    for (const tensor of made.values()) tensor.dispose();
    throw error;
  }
  return mapSpec(spec, name => made.get(name)!);
}

async function drawOne(
  name: string,
  { shape, init, matrix = false }: ParamSpec,
  backend: Backend,
  rng: Rng,
  buffer: PieceBuffer,
  { plain = false, deviation = DEVIATION }: InitializeOptions,
): Promise<Tensor> {
  const spread = typeof deviation === 'number' ? deviation : deviation(name);
  const writer = backend.weight(shape, { matrix: matrix && !plain });
  try {
    for (const values of buffer.pieces(shape)) {
      if (init !== 'normal') values.fill(init === 'ones' ? 1 : 0);
      else fillNormal(values, spread, rng);
      await writer.write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 'F32');
    }
    return Tensor.fromDevice(await writer.finish(), shape);
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** Box and Muller's pairs, both of each: half the time of one by one. */
function fillNormal(values: Float32Array, deviation: number, rng: Rng): void {
  for (let i = 0; i < values.length; i += 2) {
    // 1 - u is in (0, 1], so the logarithm is finite.
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - rng.uniform()));
    const angle = 2 * Math.PI * rng.uniform();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
  }
}

/** One buffer for all parameters: thousands of fresh ones would be garbage faster than it is collected. */
class PieceBuffer {
  #values = new Float32Array(0);

  /** The buffer over and over, each time as long as the next whole rows of the shape. */
  *pieces(shape: Shape): Generator<Float32Array> {
    const rows = shape[0] ?? 1;
    const width = sizeOf(shape.slice(1));
    const most = Math.min(rows, Math.max(1, Math.floor(PIECE_BYTES / 4 / Math.max(1, width))));
    if (this.#values.length < most * width) this.#values = new Float32Array(Math.max(most * width, PIECE_BYTES / 4));
    for (let row = 0; row < rows && width > 0; row += most)
      yield this.#values.subarray(0, Math.min(most, rows - row) * width);
  }
}
