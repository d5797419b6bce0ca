/**
 * The allocator of wasm memory: it hands out ranges of a byte address space that grows on demand.
 *
 * It lives with the owner of a backend, never in a worker, and only knows numbers, so it serves shared, remote and
 * inline memory alike. Best fit over a list of free ranges sorted by address; neighbours melt together when freed.
 */
import { BackendError } from '../../errors.ts';

/** Bytes of a WebAssembly page. */
export const PAGE = 65536;
/** Every range starts and ends at a multiple of this: a cache line. */
const ALIGN = 64;
const GROW_AT_LEAST = 1 << 20;

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;
/** Bytes for a message: `12.3 MiB`. */
export const mebibytes = (n: number): string => `${(n / 2 ** 20).toFixed(1)} MiB`;

export interface AllocatorOptions {
  /** First address that may be given out. */
  readonly base: number;
  /** End of the memory that is there now. */
  readonly size: number;
  /** End of the memory that can be there at most. */
  readonly limit: number;
  /** Makes the memory reach to `size`, a multiple of `PAGE`. False = the engine refuses. */
  grow(size: number): boolean;
}

export class Allocator {
  readonly #options: AllocatorOptions;
  #end: number;
  /** Free ranges, sorted by address, never adjacent. */
  readonly #starts: number[] = [];
  readonly #sizes: number[] = [];
  readonly #live = new Map<number, number>();
  #usedBytes = 0;
  #callCount = 0;

  constructor(options: AllocatorOptions) {
    this.#options = options;
    this.#end = options.size;
    this.#release(options.base, options.size - options.base);
  }
  /** Bytes given out. */
  get used(): number {
    return this.#usedBytes;
  }
  /** Bytes of memory that is there. */
  get reserved(): number {
    return this.#end;
  }
  /** How often `alloc` succeeded: a run that allocates nothing leaves it unchanged. */
  get calls(): number {
    return this.#callCount;
  }

  /** End of the memory that can be there at most. */
  get limit(): number {
    return this.#options.limit;
  }
  /** Bytes of the largest range that is free. */
  get largestFree(): number {
    return this.#sizes.reduce((a, b) => Math.max(a, b), 0);
  }

  /**
   * A range of at least `bytes` bytes, 64-byte aligned; its contents are whatever lay there before.
   * @throws BackendError when there is no room and the memory cannot grow enough.
   */
  alloc(bytes: number): number {
    const address = this.tryAlloc(bytes);
    if (address === undefined) throw this.#outOfMemory(bytes);
    return address;
  }
  /** The same; undefined = there is no room. */
  tryAlloc(bytes: number): number | undefined {
    const size = Math.max(ALIGN, roundUp(bytes, ALIGN));
    let at = this.#bestFit(size);
    if (at < 0 && this.#grow(size)) at = this.#bestFit(size);
    if (at < 0) return undefined;
    const address = this.#starts[at]!;
    const rest = this.#sizes[at]! - size;
    if (rest) {
      this.#starts[at] = address + size;
      this.#sizes[at] = rest;
    } else {
      this.#starts.splice(at, 1);
      this.#sizes.splice(at, 1);
    }
    this.#live.set(address, size);
    this.#usedBytes += size;
    this.#callCount++;
    return address;
  }

  /** Gives a range back. @throws BackendError when nothing was given out at `address`. */
  free(address: number): void {
    const size = this.#live.get(address);
    if (size === undefined) throw new BackendError('freed memory that is not in use', { seen: `address ${address}` });
    this.#live.delete(address);
    this.#usedBytes -= size;
    this.#release(address, size);
  }

  /** Index of the smallest free range that holds `size` bytes, the first of equals; -1 = none. */
  #bestFit(size: number): number {
    let best = -1;
    for (let i = 0; i < this.#sizes.length; i++) {
      const s = this.#sizes[i]!;
      if (s >= size && (best < 0 || s < this.#sizes[best]!)) {
        best = i;
        if (s === size) break;
      }
    }
    return best;
  }

  #release(address: number, size: number): void {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.#starts[mid]! < address) low = mid + 1;
      else high = mid;
    }
    const joinsLeft = low > 0 && this.#starts[low - 1]! + this.#sizes[low - 1]! === address;
    const joinsRight = low < this.#starts.length && address + size === this.#starts[low]!;
    if (joinsLeft && joinsRight) {
      this.#sizes[low - 1]! += size + this.#sizes[low]!;
      this.#starts.splice(low, 1);
      this.#sizes.splice(low, 1);
    } else if (joinsLeft) this.#sizes[low - 1]! += size;
    else if (joinsRight) {
      this.#starts[low] = address;
      this.#sizes[low]! += size;
    } else {
      this.#starts.splice(low, 0, address);
      this.#sizes.splice(low, 0, size);
    }
  }

  #grow(size: number): boolean {
    const last = this.#starts.length - 1;
    const tail = last >= 0 && this.#starts[last]! + this.#sizes[last]! === this.#end ? this.#sizes[last]! : 0;
    const needed = roundUp(this.#end + size - tail, PAGE);
    if (needed > this.#options.limit) return false;
    // Ahead of the need, so that many small buffers do not mean many calls into the engine.
    const ahead = roundUp(this.#end + Math.max(GROW_AT_LEAST, this.#end / 8), PAGE);
    for (const end of new Set([Math.min(Math.max(needed, ahead), this.#options.limit), needed])) {
      if (!this.#options.grow(end)) continue;
      this.#release(this.#end, end - this.#end);
      this.#end = end;
      return true;
    }
    return false;
  }

  #outOfMemory(bytes: number): BackendError {
    return new BackendError('out of memory', {
      seen: `${mebibytes(bytes)} wanted, ${mebibytes(this.#usedBytes)} used, largest free block ${mebibytes(this.largestFree)}, ${mebibytes(this.#end)} reserved`,
      expected: `at most ${mebibytes(this.#options.limit)} in all`,
      fix: 'free tensors or models that are no longer needed, run smaller batches or shorter sequences, or raise memory.maximumBytes (4 GiB at most)',
    });
  }
}
