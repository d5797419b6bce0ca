/** A recording that is there already, or that is still coming in, read in overlapping windows. */
import { ConfigError } from '../errors.ts';

/** Mono samples at the model's rate: all of them, or pieces as they come in. */
export type Samples = Float32Array | AsyncIterable<Float32Array>;

/** Holds the samples from the latest window's start on; what lies before is forgotten. */
export class SampleStream {
  readonly #source: AsyncIterator<Float32Array> | undefined;
  #ended: boolean;
  /** Pieces that are held, and where the first of them begins. */
  #pieces: Float32Array[];
  #begin = 0;
  /** Samples that came in so far. */
  #end: number;

  constructor(samples: Samples) {
    const whole = samples instanceof Float32Array;
    this.#source = whole ? undefined : samples[Symbol.asyncIterator]();
    this.#ended = whole;
    this.#pieces = whole ? [samples] : [];
    this.#end = whole ? samples.length : 0;
  }
  /**
   * Samples `start` to `start + count` - 1, fewer where the recording ends; waits until they are there.
   * @throws ConfigError for a start before that of an earlier call, or a piece that is no Float32Array
   */
  async read(start: number, count: number): Promise<Float32Array> {
    if (start < this.#begin)
      throw new ConfigError('these samples were forgotten', { seen: `${start}`, expected: `${this.#begin} or later` });
    this.#forget(start);
    while (!this.#ended && this.#end < start + count) {
      const { done, value } = await this.#source!.next();
      if (done) this.#ended = true;
      else this.#add(value);
      this.#forget(start);
    }
    const to = Math.min(start + count, this.#end);
    const window = new Float32Array(Math.max(0, to - start));
    let at = this.#begin;
    for (const piece of this.#pieces) {
      const [from, until] = [Math.max(start, at), Math.min(to, at + piece.length)];
      if (until > from) window.set(piece.subarray(from - at, until - at), from - start);
      at += piece.length;
    }
    return window;
  }
  /** Tells a source that is still open that no more is wanted. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#source?.return?.();
    this.#ended = true;
  }

  #add(piece: unknown): void {
    if (!(piece instanceof Float32Array))
      throw new ConfigError('a piece of a recording is a Float32Array', { seen: typeof piece });
    this.#pieces.push(piece);
    this.#end += piece.length;
  }
  #forget(start: number): void {
    let passed = 0;
    while (passed < this.#pieces.length && this.#begin + this.#pieces[passed]!.length <= start)
      this.#begin += this.#pieces[passed++]!.length;
    if (passed) this.#pieces.splice(0, passed);
  }
}
