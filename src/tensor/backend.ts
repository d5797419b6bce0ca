/** What the tensor graph asks of a machine below: memory, kernels by op name, and a way to run a plan. */
import { BackendError } from '../errors.ts';
import type { DType, TypedArray } from './dtype.ts';
import type { Plan } from './plan.ts';
import type { Shape } from './shape.ts';

/** Memory of a backend. */
export interface DeviceBuffer {
  readonly backend: Backend;
  readonly byteLength: number;
  /**
   * Physical layout; undefined = plain row-major elements. A format is known to the backend that made it; the planner
   * inserts a `toRows` step before every kernel that does not list it in `Kernel.formats`.
   */
  readonly format?: string | undefined;
  readonly freed: boolean;
  /** Gives the memory back at once. Safe to call twice. */
  free(): void;
}

/** What the planner must know of an input or output before views exist. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly format?: string | undefined;
}

/** dense = row-major without gaps; rows = innermost axis contiguous, the others anywhere; strided = anything. */
export type Access = 'dense' | 'rows' | 'strided';

/** How the planner may use a kernel. */
export interface Kernel {
  /** False = this case is computed by the op's definition instead. Default: always true. */
  accepts?(inputs: readonly TensorType[], attrs: unknown, output: TensorType): boolean;
  /** Access of each input; the last entry also stands for all inputs after it. Default: ['dense']. */
  readonly access?: readonly Access[];
  /** Formats that each input may have besides plain elements; the last entry also stands for all inputs after it. */
  readonly formats?: readonly (readonly string[] | undefined)[];
  /** The output may be written over the dense input of the same size and dtype whose last use this is. */
  readonly inPlace?: boolean;
  /** Physical order of the output's axes, outermost first, when not 0, 1, 2, ... */
  readonly outputOrder?: readonly number[];
}

/** Element types of files whose rows every backend takes. */
export type FloatDType = 'F32' | 'F16' | 'BF16' | 'F64';
/** Block types of files whose rows a backend may keep as they are. */
export type BlockDType = 'Q8_0' | 'Q4_0' | 'Q4_1' | 'Q5_0' | 'Q5_1' | 'Q4_K' | 'Q5_K' | 'Q6_K';
export type WeightDType = FloatDType | BlockDType;

/** Rows that a weight cannot keep as they are: the caller can write them once more as floats, to a weight of another writer. */
export class CannotKeepError extends BackendError {}

/** What a backend may do with a parameter. */
export interface WeightOptions {
  /** The source's rows are the columns of the parameter (2-D only). */
  readonly transposed?: boolean;
  /** The backend may choose a packed format for products. */
  readonly matrix?: boolean;
  /**
   * The dtype of the rows is kept, if it is one of `Backend.keeps`, and products compute with it. Only for a matrix that is
   * not transposed and whose rows are whole blocks. Other dtypes become f32 as ever.
   */
  readonly keep?: boolean;
}

/** Source of a parameter that is streamed into a backend row by row. */
export interface WeightWriter {
  /**
   * Appends rows of the source matrix (axis 0 of the file's shape), in order. All rows have the same dtype.
   * @param bytes little-endian elements of `dtype`, whole rows
   * @throws CannotKeepError for rows that cannot be kept; it may come with a later call
   */
  write(bytes: Uint8Array, dtype: WeightDType): Promise<void>;
  /** The finished buffer. @throws BackendError when rows are missing. */
  finish(): Promise<DeviceBuffer>;
  /** Gives up and frees what was allocated. */
  abort(): void;
}

/** Everything a run needs besides its plan. */
export interface Bindings {
  readonly leaves: readonly DeviceBuffer[];
  readonly uploads: readonly TypedArray[];
  readonly results: readonly DeviceBuffer[];
  /** Arrays that the run may answer with instead of new ones, one for each of `plan.reads`. Only those that fit are used. */
  readonly into?: readonly (TypedArray | undefined)[];
}

/** Bytes in use and reserved, and the most that there can be. */
export interface MemoryUse {
  readonly used: number;
  readonly reserved: number;
  readonly limit: number;
  /** Of what is free, what only weights in a packed format can have. Default: 0. */
  readonly forWeights?: number;
}

export interface Backend {
  readonly name: string;
  /** How the planner may use the kernel of that op; undefined = there is none. */
  kernel(op: string): Kernel | undefined;
  /** @throws BackendError when the memory cannot be had. */
  alloc(bytes: number): DeviceBuffer;
  /** Copies host bytes into a buffer, before any run that is started later. */
  write(buffer: DeviceBuffer, data: TypedArray, byteOffset?: number): void;
  /** Copies a whole buffer to the host as plain row-major elements, whatever its format. */
  read(buffer: DeviceBuffer, dtype: DType, shape: Shape): Promise<TypedArray>;
  /** Dtypes of files that a weight may keep; empty = all become f32, and blocks are not taken. */
  readonly keeps: ReadonlySet<string>;
  /** A parameter of `shape`, to be written. */
  weight(shape: Shape, options: WeightOptions): WeightWriter;
  /** Turns a plan into whatever the backend runs fastest. Called once per cached plan. */
  prepare(plan: Plan): Prepared;
  /** Runs after all runs started before it. Resolves with the host copies of `plan.reads`. */
  run(prepared: Prepared, bindings: Bindings): Promise<TypedArray[]>;
  memory(): MemoryUse;
  /** Ends workers and frees all memory; every later call throws BackendError. */
  close(): void;
}

/** A backend's own form of a plan. */
export interface Prepared {
  readonly plan: Plan;
  /** Frees what `prepare` allocated. */
  release(): void;
}
