/**
 * Where packed weights lie. A WebAssembly memory ends at 4 GiB; where the engine lets a function work in two memories at once
 * (multi-memory proposal), further ones hold weights and nothing else. A weight lies in one bank as a whole, and which one is
 * part of its physical format (`q8_0@2`): so a plan says it, and the backend takes the kernel of that bank.
 *
 * A bank has its kernels from a second module, compiled when the first bank is needed and instantiated over the first memory and
 * the bank, so that neither their number nor their absence costs anything.
 */
import { BackendError } from '../../errors.ts';
import type { MemoryUse } from '../../tensor/backend.ts';
import { maximaBelow } from './linear-memory.ts';
import { type Link, RunFailure } from './link.ts';
import { Allocator, mebibytes, PAGE } from './memory.ts';

/** How memory is cut. */
export interface BankOptions {
  /** Most bytes of a bank. Default and maximum: 4 GiB. */
  readonly bytes: number;
  /** How many there may be. Default: as many as `maximumBytes` has room for behind the first memory. */
  readonly most: number;
  /** Bytes in use of the first memory from which on packed weights go to banks. Default: three quarters of its limit. */
  readonly from: number;
}

/** Most bytes of each bank that there may be, and `BankOptions.from`. */
export interface BankPlan {
  readonly sizes: readonly number[];
  readonly from: number;
}

/** A range of a memory: 0 is the first, banks count from 1. */
export interface Place {
  readonly bank: number;
  readonly address: number;
}

/** A format in a bank. */
export const inBank = (format: string, bank: number): string => (bank ? `${format}@${bank}` : format);
/** The bank of a format; 0 = the first memory. */
export const bankOf = (format: string | undefined): number => Number(format?.split('@')[1] ?? 0);
/** The format without its bank. */
export const formatOf = <F extends string | undefined>(format: F): F => format?.split('@')[0] as F;

/** Ranges start here: no address is 0. */
const BASE = 64;
const INITIAL_PAGES = 16;

export class Banks {
  readonly #main: Allocator;
  readonly #link: Link;
  readonly #module: () => Promise<WebAssembly.Module>;
  readonly #plan: BankPlan;
  /** Starts what may not happen during a run. */
  readonly #between: <T>(job: () => Promise<T>) => Promise<T>;
  readonly #banks: Allocator[] = [];
  #adding: Promise<void> | undefined;
  /** Why the engine gave no more. */
  #refusal: unknown;

  constructor(
    main: Allocator,
    link: Link,
    plan: BankPlan,
    module: () => Promise<WebAssembly.Module>,
    between: <T>(job: () => Promise<T>) => Promise<T>,
  ) {
    this.#main = main;
    this.#link = link;
    this.#plan = plan;
    this.#module = module;
    this.#between = between;
  }
  /** Most banks that there can be. */
  get most(): number {
    return this.#plan.sizes.length;
  }
  /** Of all memories, the first included. */
  get memory(): MemoryUse {
    const sum = (of: (memory: Allocator) => number): number => this.#banks.reduce((n, bank) => n + of(bank), 0);
    const missing = this.#refusal ? [] : this.#plan.sizes.slice(this.#banks.length);
    const [used, limit] = [
      sum(bank => bank.used),
      missing.reduce(
        (n, size) => n + size,
        sum(bank => bank.limit),
      ),
    ];
    return {
      used: this.#main.used + used,
      reserved: this.#main.reserved + sum(bank => bank.reserved),
      limit: this.#main.limit + limit,
      ...(this.most > 0 && { forWeights: limit - used }),
    };
  }

  /**
   * Room for a packed weight: in the first memory as long as that is not nearly full, then in the first bank that has it, then
   * in a new one.
   * @throws BackendError when no memory has it
   */
  async place(bytes: number): Promise<Place> {
    for (;;) {
      const place = this.#find(bytes);
      if (place) return place;
      if (!this.#canAdd(bytes)) break;
      this.#adding ??= this.#between(() => this.#add()).finally(() => {
        this.#adding = undefined;
      });
      await this.#adding;
    }
    if (!this.most) return { bank: 0, address: this.#main.alloc(bytes) };
    const address = this.#main.tryAlloc(bytes);
    if (address === undefined) throw this.#outOfMemory(bytes);
    return { bank: 0, address };
  }

  /** Gives a range back. */
  free({ bank, address }: Place): void {
    (bank ? this.#banks[bank - 1]! : this.#main).free(address);
  }

  #find(bytes: number): Place | undefined {
    if (!this.most || this.#main.used + bytes <= this.#plan.from) {
      const address = this.#main.tryAlloc(bytes);
      if (address !== undefined) return { bank: 0, address };
    }
    for (const [i, bank] of this.#banks.entries()) {
      const address = bank.tryAlloc(bytes);
      if (address !== undefined) return { bank: i + 1, address };
    }
    return undefined;
  }

  #canAdd(bytes: number): boolean {
    const size = this.#plan.sizes[this.#banks.length];
    return !this.#refusal && size !== undefined && bytes <= size - BASE;
  }

  async #add(): Promise<void> {
    const bank = this.#banks.length + 1;
    const maxima = maximaBelow(this.#plan.sizes[bank - 1]!);
    const initial = Math.min(INITIAL_PAGES, maxima[0]!);
    try {
      const { size, limit } = await this.#link.addBank({ module: await this.#module(), initial, maxima });
      this.#banks.push(new Allocator({ base: BASE, size, limit, grow: end => this.#link.grow(end, bank) }));
    } catch (error) {
      // What does not fit is told by `place`, with this as the cause.
      if (!(error instanceof BackendError || error instanceof RunFailure)) throw error;
      this.#refusal = error;
    }
  }

  #outOfMemory(bytes: number): BackendError {
    const { used, limit } = this.memory;
    const free = [this.#main, ...this.#banks].map(memory => memory.largestFree);
    return new BackendError('out of memory: a weight fits no memory', {
      seen: `${mebibytes(bytes)} wanted, ${mebibytes(used)} used in ${free.length} memories, largest free block ${mebibytes(Math.max(...free))}`,
      expected: `at most ${mebibytes(limit)} in all, and ${mebibytes(Math.max(this.#main.limit, ...this.#plan.sizes))} in one memory`,
      fix: 'free models that are no longer needed, load the weights in a smaller type, or raise memory.maximumBytes',
      ...(this.#refusal !== undefined && { cause: this.#refusal }),
    });
  }
}

/** The plan for banks where `bytes` of memory are allowed in all, of which the first memory may take `first`. */
export function bankPlan(bytes: number, first: number, { most, ...options }: Partial<BankOptions> = {}): BankPlan {
  const largest = PAGE * maximaBelow(Math.min(options.bytes ?? Infinity, 2 ** 32))[0]!;
  const sizes: number[] = [];
  for (let rest = bytes - first; most === undefined && rest > largest / 16; rest -= largest)
    sizes.push(Math.min(rest, largest));
  return { sizes: most === undefined ? sizes : Array(most).fill(largest), from: options.from ?? 0.75 * first };
}
