/** Whether a backend has room for the weights of a model, before one of them is read. */
import { CheckpointError } from '../errors.ts';
import {
  GGUF_WEIGHTS,
  type GgufWeights,
  storedAs,
  type TensorDType,
  type TensorEntry,
  tensorBytes,
} from '../formats/index.ts';
import { type Backend, sizeOf } from '../tensor/index.ts';
import type { ParamSpec } from './params.ts';

/** A parameter on its way into a backend. */
export interface WantedWeight {
  readonly entry: Pick<TensorEntry, 'dtype' | 'shape' | 'byteLength'>;
  readonly param: ParamSpec;
  /** It stays in the file's dtype. */
  readonly kept: boolean;
}

/**
 * @param plain the weights stay plain rows, also those that products could have packed
 * @throws CheckpointError that says what is needed, what there is, and in which type the model would fit
 */
export function checkFits(weights: readonly WantedWeight[], backend: Backend, where?: string, plain = false): void {
  const { used, limit, forWeights = 0 } = backend.memory();
  const needed = weights.reduce(
    (n, { entry, param, kept }) => n + (kept ? entry.byteLength : 4 * sizeOf(param.shape)),
    0,
  );
  const room = limit - used - (plain ? forWeights : 0);
  if (needed <= room) return;
  // What the backend needs for itself is not worth a word.
  const shared = used > 0.01 * limit;
  const fitting = (Object.keys(GGUF_WEIGHTS) as GgufWeights[])
    .map(type => ({ type, bytes: bytesAs(weights, type, backend) }))
    .find(({ bytes }) => bytes <= room);
  throw new CheckpointError('the weights are larger than the memory of this backend', {
    seen: `${gigabytes(needed)} of weights`,
    expected: `at most ${gigabytes(room)}${shared ? `: ${gigabytes(limit)} in all, ${gigabytes(used)} in use` : ''}`,
    fix: fitting
      ? `write them in a smaller type (${fitting.type} takes ${gigabytes(fitting.bytes)}): heed quantize MODEL FILE.gguf --type ${fitting.type}`
      : `run a smaller model${shared ? ', or dispose those that are not needed' : ''}; no type is small enough`,
    where,
  });
}

/** Bytes of all weights if the file had them in a type. */
function bytesAs(weights: readonly WantedWeight[], type: GgufWeights, { keeps }: Backend): number {
  return weights.reduce((n, { param: { shape, matrix } }) => {
    const dtype: TensorDType = matrix ? storedAs('.weight', shape, type).dtype : 'F32';
    return n + tensorBytes(keeps.has(dtype) ? dtype : 'F32', shape)!;
  }, 0);
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toPrecision(3)} GB`;
