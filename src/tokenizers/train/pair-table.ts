/** Pairs of symbols with their counts, in flat tables with open addressing. */

export class PairTable {
  #size = 0;
  /** The symbols of pair i, and its count. */
  left = new Int32Array(1 << 10);
  right = new Int32Array(1 << 10);
  counts = new Float64Array(1 << 10);
  /** Index of a pair + 1; 0 = free. */
  #slots = new Int32Array(1 << 12);

  get size(): number {
    return this.#size;
  }

  /** The index of a pair; a new one is counted 0 times. */
  index(left: number, right: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash(left, right) & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const index = this.#slots[slot]! - 1;
      if (this.left[index] === left && this.right[index] === right) return index;
    }
    const index = this.#size++;
    if (index === this.left.length) this.#grow();
    this.left[index] = left;
    this.right[index] = right;
    this.#slots[slot] = index + 1;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return index;
  }

  #grow(): void {
    const { left, right, counts } = this;
    this.left = new Int32Array(2 * left.length);
    this.right = new Int32Array(2 * left.length);
    this.counts = new Float64Array(2 * left.length);
    this.left.set(left);
    this.right.set(right);
    this.counts.set(counts);
  }

  #rehash(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let index = 0; index < this.#size; index++) {
      let slot = hash(this.left[index]!, this.right[index]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
}

function hash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
