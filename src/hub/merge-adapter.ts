/** Adapters made part of the weights: then they cost nothing, and are not to be taken out again. */
import { ConfigError, UnsupportedError } from '../errors.ts';
import { type Direction, type LowRank, nodeOf, rowLengths } from '../nn/adapter.ts';
import { type Backend, linear, Tensor } from '../tensor/index.ts';
import { type Adapter, weightOf } from './adapters.ts';
import type { Model } from './model.ts';

/** Rows of a weight are changed in pieces of about this many bytes. */
const PIECE_BYTES = 4 << 20;

export interface MergeOptions {
  /** Factor of what the adapter adds. Default 1. */
  readonly scale?: number | undefined;
  /** Stops before the next weight. Those that were changed stay so: load the model again. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * W + scale * B A in the place of every weight W that the adapter is for (with DoRA, its rows at their learned lengths), and the
 * parameters that were trained as a whole in the place of the model's. The adapter is not needed then; models with other
 * adapters on top run on with the new weights. Besides the weights, one of them is in memory three times.
 * @throws ConfigError for a model that has adapters itself, UnsupportedError for layers without a weight of their own, such as
 * tied output layers, and biases where there were none; nothing is changed then
 */
export async function mergeAdapter(model: Model, adapter: Adapter, options: MergeOptions = {}): Promise<void> {
  const { scale = 1, signal } = options;
  const { parts } = model;
  if (parts.adapters?.length)
    throw new ConfigError('the model has adapters already', { fix: 'merge into the model that they were put on' });
  const { layers, saved, kept } = adapter.params;
  const targets = Object.entries(layers).map(([layer, own]) => ({ layer, own, weight: weightOf(parts, layer) }));
  const replaced = Object.entries(saved).map(([name, tensor]) => ({ name, tensor, into: nodeOf(parts.params, name) }));
  const rootless = replaced.find(({ into }) => !(into instanceof Tensor))?.name;
  const biased = targets.find(({ own, layer }) => own.bias && !nodeOf(parts.params, `${layer}.bias`))?.layer;
  const [output] = Object.keys(kept);
  if (rootless !== undefined || biased !== undefined || output !== undefined)
    throw new UnsupportedError('the adapter gives the model a parameter that it has not', {
      seen: rootless ?? output ?? `${biased}.bias`,
      fix: 'run it with model.withAdapters instead',
    });
  for (const { own, layer, weight } of targets) {
    signal?.throwIfAborted();
    const scaled = { ...own, scale: own.scale * scale };
    const factor = own.direction && (await lengthening(own.direction, scaled.scale));
    await rewrite(weight, parts.backend, isMatrix(model, `${layer}.weight`), piece => changed(piece, scaled, factor));
    const bias = own.bias && (nodeOf(parts.params, `${layer}.bias`) as Tensor);
    if (bias) {
      const added = await own
        .bias!.mul(scaled.scale)
        .mul(factor ? Tensor.from(Float32Array.from(factor)) : 1)
        .data();
      await rewrite(bias, parts.backend, false, async ({ values, row }) =>
        values.forEach((x, i) => {
          values[i] = x + added[row + i]!;
        }),
      );
    }
  }
  for (const { name, tensor, into } of replaced) {
    signal?.throwIfAborted();
    const values = await tensor.data();
    const width = values.length / (tensor.shape[0] ?? 1);
    await rewrite(into as Tensor, parts.backend, isMatrix(model, name), async ({ values: piece, row }) =>
      piece.set(values.subarray(row * width, row * width + piece.length)),
    );
  }
}

const isMatrix = ({ parts }: Model, name: string): boolean => parts.specs.get(name)?.matrix ?? false;

/** Rows of a weight from `row` on, to be changed in place. */
interface Piece {
  readonly values: Float32Array;
  readonly row: number;
  readonly width: number;
}

/** What DoRA multiplies each row by. */
const lengthening = (direction: Direction, scale: number): Promise<ArrayLike<number>> =>
  direction.magnitude.div(rowLengths(direction, scale)).data();

/** Adds to the rows of W `[out, in]` those of scale * B A; of a table the two are the other way around. */
async function changed(
  { values, row, width }: Piece,
  { down, up, scale, table }: LowRank,
  factor?: ArrayLike<number>,
): Promise<void> {
  const rows = values.length / width;
  const [left, right] = table ? [down, up] : [up, down.transpose()];
  const added = await linear(left.slice(0, row, row + rows), right).data();
  for (let i = 0; i < values.length; i++) {
    const sum = values[i]! + scale * added[i]!;
    values[i] = factor ? sum * factor[row + Math.floor(i / width)]! : sum;
  }
}

/** The tensor with other values in the same place: whoever has it sees them. */
async function rewrite(
  tensor: Tensor,
  backend: Backend,
  matrix: boolean,
  change: (piece: Piece) => Promise<unknown>,
): Promise<void> {
  const { storage, shape, size } = tensor;
  if (storage?.kind !== 'device') throw new ConfigError('a weight that is not on the device', { seen: `${tensor}` });
  const all = await tensor.data();
  const rows = shape[0] ?? 1;
  const width = size / Math.max(1, rows);
  const most = Math.max(1, Math.floor(PIECE_BYTES / 4 / Math.max(1, width)));
  const writer = backend.weight(shape, { matrix });
  try {
    for (let row = 0; row < rows && width > 0; row += most) {
      const values = Float32Array.from(all.subarray(row * width, Math.min(rows, row + most) * width));
      await change({ values, row, width });
      await writer.write(new Uint8Array(values.buffer), 'F32');
    }
    tensor.settle({ kind: 'device', buffer: await writer.finish() });
    storage.buffer.free();
  } catch (error) {
    writer.abort();
    throw error;
  }
}
