/** The reference backend: plain TypeScript, double precision, one loop per op. Slow; runs everywhere; the oracle. */
import { BackendError } from '../../errors.ts';
import type { Backend, DeviceBuffer, FloatDType, Kernel, WeightDType, WeightWriter } from '../../tensor/backend.ts';
import { bytesOf, type DType, type TypedArray } from '../../tensor/dtype.ts';
import type { Slot, View } from '../../tensor/plan.ts';
import { sizeOf } from '../../tensor/shape.ts';
import { typedView } from '../../util/bytes.ts';
import { decodeBf16, decodeF16 } from '../../util/half.ts';
import { type Dense, KERNELS } from './kernels.ts';

type Elements = Dense['data'];
const ARRAY = { f32: Float64Array, i32: Int32Array, u8: Uint8Array, bool: Uint8Array } as const;
const elements = (dtype: DType, n: number): Elements => new ARRAY[dtype](n);
const ACCESS: Kernel = { access: ['strided'] };

/** A buffer gets its elements at the first write, which knows their dtype. */
class ReferenceBuffer implements DeviceBuffer {
  readonly backend: Backend;
  readonly byteLength: number;
  data: Elements | undefined;
  freed = false;
  constructor(backend: Backend, byteLength: number) {
    this.backend = backend;
    this.byteLength = byteLength;
  }
  free(): void {
    this.freed = true;
    this.data = undefined;
  }
  /** The elements as `dtype`, made on demand. */
  as(dtype: DType): Elements {
    this.data ??= elements(dtype, this.byteLength / bytesOf(dtype));
    return this.data;
  }
}

export function createReferenceBackend(): Backend {
  let closed = false;
  const own = (buffer: DeviceBuffer): ReferenceBuffer => {
    if (closed) throw new BackendError('backend is closed', { fix: 'create another one' });
    if (!(buffer instanceof ReferenceBuffer)) throw new BackendError('buffer of another backend');
    if (buffer.freed) throw new BackendError('buffer was freed');
    return buffer;
  };
  const backend: Backend = {
    name: 'reference',
    kernel: op => (KERNELS.has(op) ? ACCESS : undefined),
    alloc(bytes) {
      if (closed) throw new BackendError('backend is closed', { fix: 'create another one' });
      return new ReferenceBuffer(backend, bytes);
    },
    write(buffer, data, byteOffset = 0) {
      const dtype: DType = data instanceof Int32Array ? 'i32' : data instanceof Uint8Array ? 'u8' : 'f32';
      own(buffer)
        .as(dtype)
        .set(data, byteOffset / bytesOf(dtype));
    },
    async read(buffer, dtype, shape) {
      return own(buffer).as(dtype).slice(0, sizeOf(shape));
    },
    keeps: new Set(),
    weight: (shape, { transposed = false }) => weightWriter(backend, shape, transposed),
    prepare: plan => ({ plan, release() {} }),
    async run({ plan }, { leaves, uploads, results }) {
      const memory = new Map<Slot, Elements>();
      const arrayOf = (view: View, size: number): Elements => {
        const { slot } = view;
        if (slot.kind === 'leaf') return own(leaves[slot.index]!).as(view.dtype);
        if (slot.kind === 'result') return own(results[slot.index]!).as(view.dtype);
        let array = memory.get(slot);
        if (!array) {
          array = elements(view.dtype, size);
          if (slot.kind === 'upload') array.set(uploads[slot.index]!);
          memory.set(slot, array);
        }
        return array;
      };
      const dense = (view: View): Dense => ({
        data: materialize(arrayOf(view, slotSize(view)), view),
        shape: view.shape,
        dtype: view.dtype,
      });
      for (const step of plan.steps) {
        const out: Dense = {
          data: arrayOf(step.output, slotSize(step.output)),
          shape: step.output.shape,
          dtype: step.output.dtype,
        };
        KERNELS.get(step.op)!(out, step.inputs.map(dense), step.attrs as never);
      }
      return plan.reads.map((view): TypedArray => dense(view).data.slice());
    },
    memory: () => ({ used: 0, reserved: 0, limit: Number.POSITIVE_INFINITY }),
    close() {
      closed = true;
    },
  };
  return backend;
}

const slotSize = ({ slot, dtype }: View): number => ('bytes' in slot ? slot.bytes / bytesOf(dtype) : 0);

/** The elements of a view in row-major order. */
function materialize(data: Elements, { offset, shape, strides, dtype }: View): Elements {
  const out = elements(dtype, sizeOf(shape));
  const position = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[at]!;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += strides[d]!;
      if (++position[d]! < shape[d]!) break;
      at -= strides[d]! * shape[d]!;
      position[d] = 0;
    }
  }
  return out;
}

const DECODE: Record<FloatDType, (bytes: Uint8Array) => Float32Array | Float64Array> = {
  F32: bytes => typedView(Float32Array, bytes),
  F64: bytes => typedView(Float64Array, bytes),
  F16: bytes => decodeF16(typedView(Uint16Array, bytes)),
  BF16: bytes => decodeBf16(typedView(Uint16Array, bytes)),
};

const isFloat = (dtype: WeightDType): dtype is FloatDType => Object.hasOwn(DECODE, dtype);

function weightWriter(backend: Backend, shape: readonly number[], transposed: boolean): WeightWriter {
  const buffer = new ReferenceBuffer(backend, sizeOf(shape) * 4);
  const data = buffer.as('f32');
  let filled = 0;
  return {
    async write(bytes, dtype) {
      if (!isFloat(dtype))
        throw new BackendError('the reference backend takes no blocks', {
          seen: dtype,
          expected: Object.keys(DECODE).join(', '),
          fix: 'write the values that the blocks stand for',
        });
      const values = DECODE[dtype](bytes);
      if (filled + values.length > data.length)
        throw new BackendError('more rows than the parameter has', { expected: `${data.length} elements` });
      if (!transposed) data.set(values, filled);
      else {
        const [N, K] = shape as [number, number]; // the source is [K, N]
        values.forEach((x: number, i: number) => {
          data[((filled + i) % N) * K + Math.floor((filled + i) / N)] = x;
        });
      }
      filled += values.length;
    },
    async finish() {
      if (filled !== data.length)
        throw new BackendError('rows of a parameter are missing', {
          seen: `${filled} elements`,
          expected: `${data.length}`,
        });
      return buffer;
    },
    abort: () => buffer.free(),
  };
}
