/** A `WebAssembly.Memory` seen from the host. Views are made anew for each access: growing detaches or shortens old ones. */
import { BackendError } from '../../errors.ts';
import type { LinkRead } from './link.ts';
import { PAGE } from './memory.ts';
import { HEADER } from './module.ts';

/**
 * Numbers of pages to ask for, best first: engines and address spaces differ in what they grant. The last page of the
 * 4 GiB is never used, so that the address behind a range fits 32 bits.
 */
export function maximaBelow(bytes: number): number[] {
  const most = Math.max(1, Math.min(65535, Math.floor(bytes / PAGE)));
  return [most, ...[32768, 16384, 8192].filter(pages => pages < most)];
}

/** A memory with the first of the maxima that the engine grants, and that maximum in pages. */
export function createMemory(
  initial: number,
  maxima: readonly number[],
  shared: boolean,
): { readonly memory: WebAssembly.Memory; readonly maximum: number } {
  let cause: unknown;
  for (const maximum of maxima) {
    try {
      return { memory: new WebAssembly.Memory({ initial, maximum, shared }), maximum };
    } catch (error) {
      cause = error;
    }
  }
  throw new BackendError('the engine gives no WebAssembly memory', {
    seen: `refused at ${maxima.join(', ')} pages of 64 KiB`,
    fix: 'close other pages or models, or lower memory.maximumBytes',
    cause,
  });
}

export class LinearMemory {
  #current: WebAssembly.Memory;
  readonly limit: number;

  constructor({ memory, maximum }: { readonly memory: WebAssembly.Memory; readonly maximum: number }) {
    this.#current = memory;
    this.limit = maximum * PAGE;
  }
  get memory(): WebAssembly.Memory {
    return this.#current;
  }
  /** Lets go of the memory, so that whoever still holds the backend does not hold gigabytes. */
  drop(): void {
    this.#current = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  }
  get size(): number {
    return this.memory.buffer.byteLength;
  }
  grow(size: number): boolean {
    try {
      this.memory.grow((size - this.size) / PAGE);
      return true;
    } catch {
      // The engine says a RangeError when it has no more pages; the allocator reports what that means.
      return false;
    }
  }
  write(address: number, bytes: Uint8Array): void {
    new Uint8Array(this.memory.buffer, address, bytes.byteLength).set(bytes);
  }
  read(address: number, into: Uint8Array): void {
    into.set(new Uint8Array(this.memory.buffer, address, into.byteLength));
  }
  /** The 32-bit words of the header, for Atomics. */
  get words(): Int32Array {
    return new Int32Array(this.memory.buffer, 0, HEADER.end / 4);
  }
  /** A word of the header as an unsigned number. */
  word(address: number): number {
    return this.words[address / 4]! >>> 0;
  }
  /** Milliseconds of the last run. */
  elapsed(): number {
    return elapsedIn(this.memory.buffer);
  }
}

/** Copies everything out that a run was asked for; the first of the memories is followed by the banks. */
export function readAll(memories: readonly LinearMemory[], reads: readonly LinkRead[]): void {
  for (const { address, bank, into } of reads) memories[bank]!.read(address, into);
}

/** Milliseconds of the last run, from a header. */
export function elapsedIn(header: ArrayBufferLike): number {
  const times = new Float64Array(header, HEADER.began, 2);
  return times[1]! - times[0]!;
}
