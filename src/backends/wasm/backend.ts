/**
 * The WebAssembly backend: all kernels in one module, all memory in one linear memory (but for weights that it has no room
 * for: `banks.ts`), a whole plan in one submission.
 *
 * The allocator, the plans and the order of runs are the owner's business and live here; threads only ever see
 * addresses. Runs are strictly one after the other, so every plan can work in the same arena.
 */
import { BackendError } from '../../errors.ts';
import type {
  Backend,
  Bindings,
  DeviceBuffer,
  Kernel,
  MemoryUse,
  Prepared,
  WeightOptions,
  WeightWriter,
} from '../../tensor/backend.ts';
import { allocate, bytesOf, type DType, type TypedArray } from '../../tensor/dtype.ts';
import type { Plan, View } from '../../tensor/plan.ts';
import { type Shape, sizeOf } from '../../tensor/shape.ts';
import { type BankPlan, Banks, inBank, type Place } from './banks.ts';
import { type BufferOwner, GrowingBlock, WasmBuffer } from './buffer.ts';
import { SCRATCH_BYTES } from './kernel.ts';
import { type Link, type LinkRead, RunFailure } from './link.ts';
import { Allocator, PAGE } from './memory.ts';
import { HEADER, type KernelModule } from './module.ts';
import { baseIndex, byteOffset, compileProgram, type Program, relocate, stepAt } from './program.ts';
import { KEPT_DTYPES, unpackPlans, WasmWeightWriter } from './weights.ts';

/** Where the time of the latest run went. */
export interface RunTimes {
  /** Milliseconds that thread 0 spent in the program. */
  readonly kernelMs: number;
  /** Milliseconds from the submission to the answer, copies included. */
  readonly totalMs: number;
  /** Milliseconds of each step; only with `profile`. */
  readonly steps?: readonly { readonly op: string; readonly path: string; readonly ms: number }[];
}

interface WasmPrepared extends Prepared {
  readonly program: Program;
}

export class WasmBackend implements Backend, BufferOwner {
  readonly name = 'wasm';
  readonly keeps = KEPT_DTYPES;
  /** Set after each run. */
  lastRun: RunTimes = { kernelMs: 0, totalMs: 0 };
  readonly module: KernelModule;
  readonly link: Link;
  readonly allocator: Allocator;
  readonly #profile: boolean;
  readonly #arena: GrowingBlock;
  readonly #programs: GrowingBlock;
  /** Frees what became unreachable. It holds addresses only, so that it keeps no buffer alive. */
  readonly #unreachable = new FinalizationRegistry<Place>(place => {
    if (!this.#closed) this.#banks.free(place);
  });
  readonly #banks: Banks;
  /** How the planner may use the kernels: their formats are those of all banks. */
  readonly #kernels: ReadonlyMap<string, Kernel>;
  #tail: Promise<void> = Promise.resolve();
  #submitted = 0;
  #completed = 0;
  readonly #deferred: { readonly run: number; readonly place: Place }[] = [];
  #closed = false;

  /** `banks`: what there may be, and what compiles the module of their kernels. */
  constructor(
    module: KernelModule,
    link: Link,
    profile: boolean,
    banks: { readonly plan: BankPlan; module(): Promise<WebAssembly.Module> },
  ) {
    this.module = module;
    this.link = link;
    this.#profile = profile;
    this.allocator = new Allocator({ base: PAGE, size: link.size, limit: link.limit, grow: size => link.grow(size) });
    this.#banks = new Banks(this.allocator, link, banks.plan, banks.module, job => this.#enqueue([], job));
    this.#kernels = new Map([...module.kernels].map(([name, kernel]) => [name, inAllBanks(kernel, this.#banks.most)]));
    this.#arena = new GrowingBlock(this.allocator);
    this.#programs = new GrowingBlock(this.allocator);
    const scratch = this.allocator.alloc(link.threads * SCRATCH_BYTES);
    link.write(HEADER.scratch, new Uint8Array(new Uint32Array([scratch]).buffer));
  }

  kernel(op: string): Kernel | undefined {
    return this.#kernels.get(op);
  }
  alloc(bytes: number): DeviceBuffer {
    return this.allocate(bytes);
  }
  /** A buffer of plain elements. @throws BackendError when the memory cannot be had. */
  allocate(bytes: number): WasmBuffer {
    this.#assertOpen();
    return this.#buffer({ bank: 0, address: this.allocator.alloc(bytes) }, bytes);
  }
  /** A buffer for a packed weight, in whichever memory has room. @throws BackendError when none has it. */
  async allocateWeight(bytes: number, format: string): Promise<WasmBuffer> {
    this.#assertOpen();
    const place = await this.#banks.place(bytes);
    this.#assertOpen();
    return this.#buffer(place, bytes, inBank(format, place.bank));
  }
  #buffer(place: Place, bytes: number, format?: string): WasmBuffer {
    const buffer = new WasmBuffer(this, place, bytes, format);
    this.#unreachable.register(buffer, place, buffer);
    return buffer;
  }
  write(target: DeviceBuffer, data: TypedArray, byteOffset = 0): void {
    this.#assertOpen();
    const buffer = this.#own(target);
    const bytes = bytesFor(data);
    if (byteOffset < 0 || byteOffset + bytes.byteLength > buffer.byteLength)
      throw new BackendError('write beyond the end of a buffer', {
        seen: `${bytes.byteLength} bytes at ${byteOffset}`,
        expected: `at most ${buffer.byteLength} bytes`,
      });
    // Runs that were started before and still use the buffer must not see the new bytes.
    if (buffer.lastUse <= this.#completed) this.link.write(buffer.address + byteOffset, bytes, buffer.bank);
    else {
      const copy = bytes.slice();
      void this.#enqueue([buffer], async () => this.link.write(buffer.address + byteOffset, copy, buffer.bank));
    }
  }
  async read(source: DeviceBuffer, dtype: DType, shape: Shape): Promise<TypedArray> {
    const buffer = this.#own(source);
    const length = sizeOf(shape) * bytesOf(dtype);
    if (length > buffer.byteLength && buffer.format === undefined)
      throw new BackendError('read beyond the end of a buffer', {
        seen: `[${shape}] ${dtype}, ${length} bytes`,
        expected: `at most ${buffer.byteLength} bytes`,
      });
    return this.#enqueue([buffer], async () => {
      if (buffer.format !== undefined) return this.#readPanels(buffer, buffer.format, shape);
      const out = allocate(dtype, sizeOf(shape));
      await this.#copy({ address: buffer.address, bank: 0, into: bytesFor(out) });
      return out;
    });
  }
  weight(shape: Shape, options: WeightOptions = {}): WeightWriter {
    this.#assertOpen();
    return new WasmWeightWriter(this, shape, options);
  }
  prepare(plan: Plan): Prepared {
    this.#assertOpen();
    const program = compileProgram(plan, this.module, this.link.threads);
    const prepared: WasmPrepared = { plan, program, release() {} };
    return prepared;
  }
  async run(prepared: Prepared, { leaves, uploads, results, into = [] }: Bindings): Promise<TypedArray[]> {
    const leafBuffers = leaves.map(b => this.#own(b));
    const resultBuffers = results.map(b => this.#own(b));
    checkBindings(prepared as WasmPrepared, { leaves, uploads, results });
    const idle = this.#submitted === this.#completed;
    const data = idle ? uploads : uploads.map(u => u.slice());
    return this.#enqueue([...leafBuffers, ...resultBuffers], () =>
      this.#execute(prepared as WasmPrepared, leafBuffers, data, resultBuffers, into),
    );
  }
  memory(): MemoryUse {
    const { memory } = this.#banks;
    return this.#closed ? { used: 0, reserved: 0, limit: memory.limit } : memory;
  }
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.link.close();
  }

  release(buffer: WasmBuffer): void {
    if (this.#closed) return;
    this.#unreachable.unregister(buffer);
    const { bank, address } = buffer;
    if (buffer.lastUse <= this.#completed) this.#banks.free({ bank, address });
    else this.#deferred.push({ run: buffer.lastUse, place: { bank, address } });
  }

  async #execute(
    { plan, program }: WasmPrepared,
    leaves: readonly WasmBuffer[],
    uploads: readonly TypedArray[],
    results: readonly WasmBuffer[],
    into: NonNullable<Bindings['into']>,
  ): Promise<TypedArray[]> {
    const began = performance.now();
    const arena = this.#arena.reserve(plan.arenaBytes);
    plan.uploads.forEach(({ offset }, i) => {
      this.link.write(arena + offset, bytesFor(uploads[i]!));
    });
    const bound = [...leaves.slice(0, program.leaves), ...results];
    const bases = [arena, ...bound.map(b => b.address)];
    const addressOf = (view: View): number => bases[baseIndex(view.slot, program.leaves)]! + byteOffset(view);
    relocate(program, bases);

    // The time stamps of a profile lie behind the words, 8-byte aligned.
    const { words, steps } = program;
    const stampsAt = Math.ceil(words.byteLength / 8) * 8;
    const address = this.#programs.reserve(stampsAt + (this.#profile ? 8 * steps.length : 0));
    this.link.write(address, new Uint8Array(words.buffer));
    if (this.#profile) this.link.write(HEADER.stamps, new Uint8Array(new Uint32Array([address + stampsAt]).buffer));

    const out = plan.reads.map((view, i) => hostArray(view, into[i]));
    const bankOfView = ({ slot }: View): number => (slot.kind === 'leaf' ? leaves[slot.index]!.bank : 0);
    const reads = plan.reads.map((view, i) => ({
      address: addressOf(view),
      bank: bankOfView(view),
      into: bytesFor(out[i]!),
    }));
    const stamps = new Float64Array(this.#profile ? 1 + steps.length : 0);
    if (this.#profile) {
      const bytes = new Uint8Array(stamps.buffer);
      reads.push({ address: HEADER.began, bank: 0, into: bytes.subarray(0, 8) });
      reads.push({ address: address + stampsAt, bank: 0, into: bytes.subarray(8) });
    }
    const kernelMs = await this.#attempt(program, address, reads);
    const times = { kernelMs, totalMs: performance.now() - began };
    this.lastRun = this.#profile ? { ...times, steps: stepTimes(program, stamps) } : times;
    return out;
  }

  async #attempt(program: Program, address: number, reads: readonly LinkRead[]): Promise<number> {
    try {
      return await this.link.run({ program: program.steps.length ? address : 0, reads });
    } catch (failure) {
      if (!(failure instanceof RunFailure)) throw failure;
      const step = failure.step ? stepAt(program, (failure.step - address) / 4) : undefined;
      throw new BackendError(failure.message, {
        ...failure.facts,
        where: step && (step.path ? `${step.op}, ${step.path}` : step.op),
      });
    }
  }

  async #readPanels(buffer: WasmBuffer, format: string, shape: Shape): Promise<TypedArray> {
    const out = new Float32Array(sizeOf(shape));
    let at = 0;
    for (const plan of unpackPlans(shape, format, this.module.features)) {
      const program = compileProgram(plan, this.module, this.link.threads);
      const [rows] = await this.#execute({ plan, program, release() {} }, [buffer], [], [], []);
      out.set(rows!, at);
      at += rows!.length;
    }
    return out;
  }

  async #copy(read: LinkRead): Promise<void> {
    try {
      await this.link.run({ program: 0, reads: [read] });
    } catch (failure) {
      if (!(failure instanceof RunFailure)) throw failure;
      throw new BackendError(failure.message, failure.facts);
    }
  }

  /** Starts `job` after all jobs before it, at once if there are none, and keeps `buffers` until it is done. */
  #enqueue<T>(buffers: readonly WasmBuffer[], job: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const idle = this.#submitted === this.#completed;
    const run = ++this.#submitted;
    for (const buffer of buffers) buffer.lastUse = run;
    const guarded = (): Promise<T> => {
      this.#assertOpen();
      return job();
    };
    const result = idle ? job() : this.#tail.then(guarded);
    const settle = (): void => {
      this.#completed = run;
      for (const { place } of this.#deferred.filter(d => d.run <= run)) this.#banks.free(place);
      this.#deferred.splice(0, this.#deferred.length, ...this.#deferred.filter(d => d.run > run));
    };
    this.#tail = result.then(settle, settle);
    return result;
  }

  #own(buffer: DeviceBuffer): WasmBuffer {
    this.#assertOpen();
    if (!(buffer instanceof WasmBuffer) || buffer.backend !== this)
      throw new BackendError('a buffer of another backend', {
        seen: buffer.backend.name,
        expected: 'one of this backend',
      });
    if (buffer.freed)
      throw new BackendError('a buffer that was freed is used again', { seen: `${buffer.byteLength} bytes` });
    return buffer;
  }
  #assertOpen(): void {
    if (this.#closed) throw new BackendError('backend is closed', { fix: 'create a new one' });
  }
}

/** A kernel whose inputs may have their formats in the first memory and in as many banks. */
function inAllBanks(kernel: Kernel, most: number): Kernel {
  if (!most || !kernel.formats) return kernel;
  const banks = Array.from({ length: 1 + most }, (_, bank) => bank);
  const formats = kernel.formats.map(list => list?.flatMap(format => banks.map(bank => inBank(format, bank))));
  return { ...kernel, formats };
}

/** The bytes of host data; numbers that are f64 on the host are f32 in memory. */
function bytesFor(data: TypedArray): Uint8Array {
  const narrow = data instanceof Float64Array ? new Float32Array(data) : data;
  return new Uint8Array(narrow.buffer, narrow.byteOffset, narrow.byteLength);
}

/** What a view is read into: the offered array if it fits exactly, else a new one. */
function hostArray({ dtype, shape }: View, offered: TypedArray | undefined): TypedArray {
  const length = sizeOf(shape);
  const fits = offered?.length === length && offered.constructor === allocate(dtype, 0).constructor;
  return fits ? offered : allocate(dtype, length);
}

/** An address that is left out would be taken for 0, where the header lies. */
function checkBindings({ plan, program }: WasmPrepared, { leaves, uploads, results }: Bindings): void {
  const seen = [leaves.length, uploads.length, results.length];
  const expected = [program.leaves, plan.uploads.length, program.results];
  if (seen.some((n, i) => n < expected[i]!))
    throw new BackendError('a plan was run with too few buffers', {
      seen: `${seen} leaves, uploads, results`,
      expected: `${expected}`,
    });
  plan.uploads.forEach(({ bytes, dtype }, i) => {
    if (uploads[i]!.length * bytesOf(dtype) !== bytes)
      throw new BackendError('uploaded data does not fit its place in the plan', {
        seen: `${uploads[i]!.length} elements`,
        expected: `${bytes / bytesOf(dtype)} of ${dtype}`,
      });
  });
}

/** `stamps`: when the program began, and when each step was done. */
function stepTimes({ steps }: Program, stamps: Float64Array): NonNullable<RunTimes['steps']> {
  return steps.map(({ op, path }, i) => ({ op, path, ms: stamps[i + 1]! - stamps[i]! }));
}
