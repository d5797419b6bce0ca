/**
 * Where a recurrent network stands between two steps of generation: a few vectors per row and layer, however long the
 * text is. A graph reads the current ones and hands in the next; they take their place when the graph has been computed.
 */
import { ConfigError } from '../errors.ts';
import { compute, gather, Tensor } from '../tensor/index.ts';

/** Widths of the vectors of each layer: `[[u], [u]]` for two GRU layers, `[[u, u], [u, u]]` for two LSTM layers (h, c). */
export type StateShape = readonly (readonly number[])[];

export class RecurrentState {
  readonly shape: StateShape;
  #rows: number;
  #slots = 0;
  /** Real tokens of each row. */
  #real: number[];
  /** `[rows, width]` each; undefined = all zero, before the first step. */
  #current: Tensor[][] | undefined;
  #next: Tensor[][] = [];
  /** As everything was when the latest step began: what `trim` can go back to. */
  #begun: { slots: number; real: number[]; vectors: Tensor[][] | undefined } | undefined;

  constructor(shape: StateShape, options: { batch: number }) {
    this.shape = shape;
    this.#rows = options.batch;
    this.#real = new Array<number>(this.#rows).fill(0);
  }
  /** Tokens read, padding included. */
  get length(): number {
    return this.#slots;
  }
  get batch(): number {
    return this.#rows;
  }
  /** Real tokens of each row. */
  get positions(): readonly number[] {
    return this.#real;
  }
  /** Bytes of all vectors. */
  get bytes(): number {
    return 4 * this.#rows * this.shape.flat().reduce((n, width) => n + width, 0);
  }

  /** Starts a step, of one `extend` or several: `trim` may come back to here. */
  begin(): void {
    this.#settle();
    if (this.#begun && this.#begun.vectors !== this.#current) this.#drop(this.#begun.vectors);
    this.#begun = { slots: this.#slots, real: [...this.#real], vectors: this.#current };
  }
  /** Counts T more tokens as read; the graph built next reads them. @param mask bool `[B, T]`; undefined = all real */
  async extend(count: number, mask: Tensor | undefined): Promise<void> {
    this.#settle();
    this.#slots += count;
    const real = mask?.storage?.kind === 'host' ? mask.storage.data : undefined;
    for (let b = 0; b < this.#rows; b++)
      for (let t = 0; t < count; t++) this.#real[b]! += real ? real[b * count + t]! : 1;
  }
  /** The vectors of a layer, `[B, width]` each. */
  read(layer: number): Tensor[] {
    const widths = this.shape[layer];
    if (!widths)
      throw new ConfigError('no such layer', { seen: `${layer}`, expected: `0 to ${this.shape.length - 1}` });
    return (
      this.#current?.[layer] ??
      widths.map(width => Tensor.from(new Float32Array(this.#rows * width), [this.#rows, width]))
    );
  }
  /** What the layer's vectors are after the tokens of this step. */
  write(layer: number, vectors: readonly Tensor[]): void {
    this.#next[layer] = [...vectors];
  }
  /** Tensors that have to be computed together with a step, because the next one reads them. */
  get pending(): readonly Tensor[] {
    return this.#next.flat();
  }

  /** A state keeps no history: it can go back to where the latest step began, and to the start. */
  trim(length: number): void {
    if (length === this.#slots) return;
    const back = this.#begun?.slots === length ? this.#begun : undefined;
    if (!back && length !== 0)
      throw new ConfigError('a recurrent state cannot go back', {
        seen: `length ${length} of ${this.#slots}`,
        expected: `${this.#slots}, ${this.#begun ? `${this.#begun.slots} ` : ''}or 0`,
      });
    this.#drop(this.#next);
    if (this.#current !== back?.vectors) this.#drop(this.#current);
    if (!back) this.#drop(this.#begun?.vectors);
    this.#next = [];
    this.#current = back?.vectors;
    this.#slots = length;
    this.#real = back ? [...back.real] : this.#real.map(() => 0);
    if (!back) this.#begun = undefined;
  }
  /** Row r becomes what was row `parents[r]`; the number of rows may change. */
  async reorder(parents: readonly number[]): Promise<void> {
    const bad = parents.find(p => !(Number.isInteger(p) && p >= 0 && p < this.#rows));
    if (bad !== undefined) throw new ConfigError('no such row', { seen: `${bad}`, expected: `0 to ${this.#rows - 1}` });
    this.#settle();
    if (this.#current) {
      const ids = Tensor.from(Int32Array.from(parents), [parents.length]);
      const picked = this.#current.map(layer => layer.map(vector => gather(vector, ids)));
      await compute(...picked.flat());
      this.#drop(this.#current);
      if (this.#begun?.vectors !== this.#current) this.#drop(this.#begun?.vectors);
      this.#current = picked;
    }
    this.#real = parents.map(p => this.#real[p]!);
    this.#rows = parents.length;
    this.#begun = undefined;
  }
  dispose(): void {
    for (const vectors of new Set([this.#current, this.#next, this.#begun?.vectors])) this.#drop(vectors);
    this.#current = undefined;
    this.#begun = undefined;
    this.#next = [];
  }

  /** What the graph before computed becomes the current state. */
  #settle(): void {
    if (this.#next.length === 0) return;
    if (this.#current !== this.#begun?.vectors) this.#drop(this.#current);
    this.#current = this.#next;
    this.#next = [];
  }
  #drop(layers: readonly (readonly Tensor[])[] | undefined): void {
    for (const vector of layers?.flat() ?? []) if (vector.storage?.kind === 'device') vector.dispose();
  }
}
