/** Many short texts as one string: as strings of their own, the tokens of a vocabulary take five times the memory of their letters. */

export class PackedTexts {
  readonly length: number;
  /** All texts one behind the other. */
  readonly units: string;
  /** Where each text ends in `units`; it begins where the one before ends. */
  readonly ends: Int32Array;

  constructor(units: string, ends: Int32Array) {
    this.length = ends.length;
    this.units = units;
    this.ends = ends;
  }

  static of(texts: readonly string[]): PackedTexts {
    const ends = new Int32Array(texts.length);
    let length = 0;
    for (let i = 0; i < texts.length; i++) ends[i] = length += texts[i]!.length;
    return new PackedTexts(texts.join(''), ends);
  }

  /** Where a text begins in `units`. */
  start(index: number): number {
    return index > 0 ? this.ends[index - 1]! : 0;
  }

  /** Undefined outside the list. */
  at(index: number): string | undefined {
    const end = this.ends[index];
    return end === undefined ? undefined : this.units.slice(this.start(index), end);
  }
}
