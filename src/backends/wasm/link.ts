/** How programs reach the threads that run them, and bytes the memory that they work on. */
import type { ErrorFacts } from '../../errors.ts';

/** shared = workers on one shared memory; remote = one worker with a memory of its own; inline = the calling thread. */
export type LinkKind = 'shared' | 'remote' | 'inline';

/** A run, as the link sees it. The words of the program have been written before. */
export interface LinkRun {
  /** Address of the program; 0 = only copy bytes out. */
  readonly program: number;
  /** What to copy out afterwards. Nothing is written to the host when the run fails. */
  readonly reads: readonly LinkRead[];
}
/** Bytes of a memory from `address` on that fill a host array. */
export interface LinkRead {
  readonly address: number;
  /** Number of the bank; 0 = the first memory. */
  readonly bank: number;
  readonly into: Uint8Array;
}

/** A run that did not end well. */
export class RunFailure extends Error {
  readonly facts: ErrorFacts;
  /** Address of the step that was being run, or 0. */
  readonly step: number;
  constructor(what: string, facts: ErrorFacts = {}, step = 0) {
    super(what);
    this.facts = facts;
    this.step = step;
  }
}

export interface Link {
  readonly kind: LinkKind;
  /** Threads that take part in a parallel step. */
  readonly threads: number;
  /** Bytes that the memory has now, and can have at most. */
  readonly size: number;
  readonly limit: number;
  /** Makes the memory, or a bank, reach to `size`. False = refused. */
  grow(size: number, bank?: number): boolean;
  /** Copies bytes in, before any run or read that is asked for later. */
  write(address: number, bytes: Uint8Array, bank?: number): void;
  /**
   * Adds a bank, and its kernels behind those in the table. Not while a run is in flight.
   * @returns bytes that it has now, and can have at most
   * @throws BackendError or RunFailure when it cannot be had
   */
  addBank(bank: BankSource): Promise<{ readonly size: number; readonly limit: number }>;
  /** One run at a time. Resolves with the milliseconds that thread 0 spent in the program. @throws RunFailure */
  run(run: LinkRun): Promise<number>;
  /** Ends the threads; a run in flight fails. */
  close(): void;
}

/** A bank to be: the compiled module of its kernels, and the sizes of its memory in pages, as in `LinkOptions`. */
export interface BankSource {
  readonly module: WebAssembly.Module;
  readonly initial: number;
  readonly maxima: readonly number[];
}

export interface LinkOptions {
  /** The compiled module. Asked for when the workers have been started, so that they boot while it is made. */
  module(): Promise<WebAssembly.Module>;
  readonly threads: number;
  /** Pages at the start, and the numbers of pages to try as the maximum, best first. */
  readonly initial: number;
  readonly maxima: readonly number[];
}
