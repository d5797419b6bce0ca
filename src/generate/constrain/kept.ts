/** What was computed last, up to a number of bytes; what was asked for longest ago goes first. */

/** Bytes of an entry beside those of its value. */
const BYTES_OF_ENTRY = 256;

export class Kept<Key, Value> {
  readonly #bytesOf: (value: Value) => number;
  readonly #most: number;
  readonly #values = new Map<Key, Value>();
  #bytes = 0;

  /** @param most bytes that are held, unless one value alone has more. @param bytesOf the size of a value */
  constructor(most: number, bytesOf: (value: Value) => number) {
    this.#bytesOf = value => BYTES_OF_ENTRY + bytesOf(value);
    this.#most = most;
  }
  /** Bytes that are held. */
  get bytes(): number {
    return this.#bytes;
  }
  get(key: Key, make: () => Value): Value {
    const known = this.#values.get(key);
    if (known !== undefined) {
      // Moving an entry to the end costs more than most steps; it is done where something may be lost soon.
      if (2 * this.#bytes > this.#most) {
        this.#values.delete(key);
        this.#values.set(key, known);
      }
      return known;
    }
    const value = make();
    this.#values.set(key, value);
    this.#bytes += this.#bytesOf(value);
    for (const [oldest, lost] of this.#values) {
      if (this.#bytes <= this.#most || oldest === key) break;
      this.#values.delete(oldest);
      this.#bytes -= this.#bytesOf(lost);
    }
    return value;
  }
}
