/**
 * Keys and values of the tokens seen so far: one pair of buffers per layer with room for `capacity` slots, of which the
 * first `length` are filled. Appending is the only effect in the library. The shapes that a graph sees do not change
 * from step to step, so one cached plan serves every step until the buffers have to grow.
 */
import { ConfigError, HeedError } from '../errors.ts';
import { type Backend, compute, gather, Tensor } from '../tensor/index.ts';
import { cacheAppend } from '../tensor/ops/cache.ts';

export interface CacheShape {
  readonly layers: number;
  /** Key/value heads. */
  readonly heads: number;
  readonly headDim: number;
}
interface Layer {
  k: Tensor;
  v: Tensor;
}

export class KVCache {
  readonly shape: CacheShape;
  readonly #backend: Backend;
  #layers: Layer[];
  #rows: number;
  #slots: number;
  #filledSlots = 0;
  /** 1 where a slot may be seen, `[rows, slots]`; undefined while nothing is padding. */
  #visible: Uint8Array | undefined;
  /** Real tokens of each row. */
  #real: number[];
  #step: { position: Tensor; filled: Tensor; mask: Tensor | undefined } | undefined;

  /** @param layers buffers to take over; default: new ones. @throws BackendError when the memory cannot be had */
  constructor(backend: Backend, shape: CacheShape, options: { batch: number; capacity: number }, layers?: Layer[]) {
    this.#backend = backend;
    this.shape = shape;
    this.#rows = options.batch;
    this.#slots = Math.max(1, options.capacity);
    this.#real = new Array<number>(this.#rows).fill(0);
    this.#layers = layers ?? this.#allocate(this.#rows, this.#slots);
  }
  /** Slots filled, padding included. */
  get length(): number {
    return this.#filledSlots;
  }
  get batch(): number {
    return this.#rows;
  }
  get capacity(): number {
    return this.#slots;
  }
  /** Bytes of all buffers. */
  get bytes(): number {
    const { layers, heads, headDim } = this.shape;
    return 2 * layers * heads * headDim * this.#rows * this.#slots * 4;
  }
  /** Real tokens of each row: the position of its next token. */
  get positions(): readonly number[] {
    return this.#real;
  }
  /** Real tokens before each slot, `[rows, capacity]`: the position of the token that is in it. */
  slotPositions(): Int32Array {
    const positions = new Int32Array(this.#rows * this.#slots);
    for (let b = 0; b < this.#rows; b++) {
      let next = 0;
      for (let i = b * this.#slots; i < (b + 1) * this.#slots; i++) {
        positions[i] = next;
        next += this.#visible ? this.#visible[i]! : 1;
      }
    }
    return positions;
  }

  /**
   * Makes room for `count` more slots and counts them as filled; the graph built next appends to them. If that graph is
   * not computed, `trim` back.
   * @param mask bool `[B, count]`; undefined = all real
   */
  async extend(count: number, mask: Tensor | undefined): Promise<void> {
    if (this.#layers.length === 0) throw new HeedError('the cache was disposed');
    if (this.#filledSlots + count > this.#slots) await this.#grow(this.#filledSlots + count);
    const start = this.#filledSlots;
    this.#filledSlots += count;
    const added = mask?.storage?.kind === 'host' ? mask.storage.data : undefined;
    if (added && !this.#visible) this.#visible = new Uint8Array(this.#rows * this.#slots).fill(1);
    for (let b = 0; b < this.#rows; b++) {
      const row = added?.subarray(b * count, (b + 1) * count);
      this.#real[b]! += row ? countOnes(row) : count;
      if (row) this.#visible!.set(row, b * this.#slots + start);
      else this.#visible?.fill(1, b * this.#slots + start, b * this.#slots + this.#filledSlots);
    }
    this.#step = {
      position: Tensor.from(new Int32Array([start]), []),
      filled: Tensor.from(new Int32Array([this.#filledSlots]), []),
      mask: this.#visible && Tensor.from(this.#visible.slice(), [this.#rows, this.#slots], 'bool'),
    };
  }

  /** Appends k, v `[B, G, T, D]` of the tokens announced by `extend`; returns what attention needs to see them all. */
  append(layer: number, k: Tensor, v: Tensor): { k: Tensor; v: Tensor; length: Tensor; mask: Tensor | undefined } {
    const cached = this.#layers[layer];
    if (!cached || !this.#step)
      throw new ConfigError('append before extend', { seen: `layer ${layer} of ${this.#layers.length}` });
    const { position, filled, mask } = this.#step;
    return { k: cacheAppend(cached.k, k, position), v: cacheAppend(cached.v, v, position), length: filled, mask };
  }

  /** Forgets all but the first `length` slots. */
  trim(length: number): void {
    if (!(length >= 0 && length <= this.#filledSlots))
      throw new ConfigError('trim: no such length', { seen: `${length}`, expected: `0 to ${this.#filledSlots}` });
    for (let b = 0; b < this.#rows; b++)
      for (let s = length; s < this.#filledSlots; s++)
        this.#real[b]! -= this.#visible ? this.#visible[b * this.#slots + s]! : 1;
    this.#filledSlots = length;
    this.#step = undefined;
  }
  /** Row r becomes what was row `parents[r]`; the number of rows may change. */
  async reorder(parents: readonly number[]): Promise<void> {
    if (parents.length === this.#rows && parents.every((p, r) => p === r)) return;
    const old = this.#layers;
    this.#layers = await this.#pick(parents);
    this.#adopt(parents);
    for (const { k, v } of old) {
      k.dispose();
      v.dispose();
    }
  }
  /** A copy that goes on by itself. */
  async fork(): Promise<KVCache> {
    const layers = await this.#pick(Array.from({ length: this.#rows }, (_, r) => r));
    const twin = new KVCache(this.#backend, this.shape, { batch: this.#rows, capacity: this.#slots }, layers);
    twin.#filledSlots = this.#filledSlots;
    twin.#real = [...this.#real];
    twin.#visible = this.#visible?.slice();
    return twin;
  }
  dispose(): void {
    for (const { k, v } of this.#layers) {
      k.dispose();
      v.dispose();
    }
    this.#layers = [];
    this.#step = undefined;
  }

  #allocate(rows: number, slots: number): Layer[] {
    const { layers, heads, headDim } = this.shape;
    const made: Tensor[] = [];
    try {
      for (let i = 0; i < 2 * layers; i++)
        made.push(
          Tensor.fromDevice(this.#backend.alloc(4 * rows * heads * slots * headDim), [rows, heads, slots, headDim]),
        );
    } catch (error) {
      for (const tensor of made) tensor.dispose();
      throw error;
    }
    return Array.from({ length: layers }, (_, i) => ({ k: made[2 * i]!, v: made[2 * i + 1]! }));
  }
  async #grow(needed: number): Promise<void> {
    const slots = Math.max(needed, Math.ceil(this.#slots * 1.5));
    const next = this.#allocate(this.#rows, slots);
    const zero = Tensor.from(new Int32Array([0]), []);
    const old = this.#layers;
    for (const [i, { k, v }] of old.entries()) {
      const to = next[i]!;
      // One element of the appended cache is asked for, so that the append itself happens.
      await Promise.all(
        [cacheAppend(to.k, k, zero), cacheAppend(to.v, v, zero)].map(t =>
          t.slice(0, 0, 1).slice(1, 0, 1).slice(2, 0, 1).data(),
        ),
      );
      k.dispose();
      v.dispose();
    }
    this.#layers = next;
    if (this.#visible) {
      const visible = new Uint8Array(this.#rows * slots).fill(1);
      for (let b = 0; b < this.#rows; b++)
        visible.set(this.#visible.subarray(b * this.#slots, b * this.#slots + this.#filledSlots), b * slots);
      this.#visible = visible;
    }
    this.#slots = slots;
  }
  async #pick(parents: readonly number[]): Promise<Layer[]> {
    const bad = parents.find(p => !(Number.isInteger(p) && p >= 0 && p < this.#rows));
    if (bad !== undefined) throw new ConfigError('no such row', { seen: `${bad}`, expected: `0 to ${this.#rows - 1}` });
    const ids = Tensor.from(Int32Array.from(parents), [parents.length]);
    const { heads, headDim } = this.shape;
    const rowsOf = (t: Tensor) =>
      gather(t.reshape(this.#rows, -1), ids).reshape(parents.length, heads, this.#slots, headDim);
    const picked = this.#layers.map(({ k, v }) => ({ k: rowsOf(k), v: rowsOf(v) }));
    await compute(...picked.flatMap(({ k, v }) => [k, v]));
    return picked;
  }
  #adopt(parents: readonly number[]): void {
    const visible = this.#visible;
    if (visible) {
      this.#visible = new Uint8Array(parents.length * this.#slots);
      parents.forEach((p, r) => {
        this.#visible!.set(visible.subarray(p * this.#slots, (p + 1) * this.#slots), r * this.#slots);
      });
    }
    this.#real = parents.map(p => this.#real[p]!);
    this.#rows = parents.length;
    this.#step = undefined;
  }
}

function countOnes(row: ArrayLike<number>): number {
  let n = 0;
  for (let i = 0; i < row.length; i++) n += row[i]!;
  return n;
}
