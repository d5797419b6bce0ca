/** Long work on this thread that can be watched and stopped: progress reports, and pauses in which timers and input run. */

/** What a trainer is doing: reading texts, preparing words, learning pieces. */
export type TrainingStage = 'read' | 'prepare' | 'learn';

/** How far a trainer is. */
export interface TrainingProgress {
  readonly stage: TrainingStage;
  /** Texts read, words prepared, or pieces learned; for Unigram the pieces that are still to go. */
  readonly done: number;
  /** What `done` goes to, where it is known. */
  readonly total?: number;
}

/** How to watch and stop a trainer. */
export interface PaceOptions {
  /** Ends the training with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called about ten times a second. */
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
}

/** Time between two pauses. */
const INTERVAL_MS = 100;

export class Pace {
  readonly #options: PaceOptions;
  #last = performance.now();

  constructor(options: PaceOptions = {}) {
    this.#options = options;
    options.signal?.throwIfAborted();
  }

  /** Whether it is time for a pause. */
  due(): boolean {
    return performance.now() - this.#last >= INTERVAL_MS;
  }

  /** Reports how far the work is and lets others run. Throws the signal's reason if it was aborted. */
  async pause(stage: TrainingStage, done: number, total?: number): Promise<void> {
    this.#options.onProgress?.({ stage, done, ...(total !== undefined && { total }) });
    await new Promise(resolve => setTimeout(resolve, 0));
    this.#options.signal?.throwIfAborted();
    this.#last = performance.now();
  }
}
