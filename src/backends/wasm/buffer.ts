/** Buffers of the wasm backend, and the blocks that it reuses for itself. */
import type { Backend, DeviceBuffer } from '../../tensor/backend.ts';
import type { Place } from './banks.ts';
import type { Allocator } from './memory.ts';

/** What a buffer needs of the backend that made it. */
export interface BufferOwner extends Backend {
  /** Gives the memory of a freed buffer back as soon as no run uses it. */
  release(buffer: WasmBuffer): void;
}

export class WasmBuffer implements DeviceBuffer {
  readonly backend: BufferOwner;
  readonly address: number;
  /** Number of the bank that it lies in; 0 = the first memory. */
  readonly bank: number;
  readonly byteLength: number;
  readonly format: string | undefined;
  /** Number of the latest run that was given this buffer. */
  lastUse = 0;
  #isFreed = false;

  constructor(backend: BufferOwner, { bank, address }: Place, byteLength: number, format?: string) {
    this.backend = backend;
    this.address = address;
    this.bank = bank;
    this.byteLength = byteLength;
    this.format = format;
  }
  get freed(): boolean {
    return this.#isFreed;
  }
  free(): void {
    if (this.#isFreed) return;
    this.#isFreed = true;
    this.backend.release(this);
  }
}

/** A block that is replaced by a larger one when a run needs more, and is otherwise kept from run to run. */
export class GrowingBlock {
  readonly #allocator: Allocator;
  #address = 0;
  #bytes = 0;

  constructor(allocator: Allocator) {
    this.#allocator = allocator;
  }
  /**
   * Address of a block of at least `bytes` bytes. Its contents are lost when it moves.
   * @throws BackendError when the memory cannot be had; the next call starts anew.
   */
  reserve(bytes: number): number {
    if (bytes > this.#bytes || !this.#address) {
      if (this.#address) this.#allocator.free(this.#address);
      this.#address = 0;
      this.#bytes = 0;
      this.#address = this.#allocator.alloc(bytes);
      this.#bytes = bytes;
    }
    return this.#address;
  }
}
