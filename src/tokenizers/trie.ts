/** Texts as a tree over their code units, in flat tables: walking it costs one look-up per unit, and nothing is allocated. */

/** What a tree of a few texts has. */
const FEWEST_SLOTS = 1024;
/** Vocabularies of languages have about two nodes a text. */
const SLOTS_PER_TEXT = 3;

export class Trie {
  /** Open addressing: `[node, unit, child]` per slot, child 0 = free. */
  #slots: Int32Array;
  #mask: number;
  #nodes = 1;
  /** Value of each node, -1 = none. */
  #values: Int32Array;

  /** `texts`: how many to make room for; more may come. */
  constructor(texts = 0) {
    let slots = FEWEST_SLOTS;
    while (slots < texts * SLOTS_PER_TEXT) slots *= 2;
    this.#slots = new Int32Array(3 * slots);
    this.#mask = slots - 1;
    this.#values = new Int32Array(slots / 2).fill(-1);
  }

  /** The root. Its children are the first units of all texts. */
  static readonly ROOT = 0;

  /** Adds a text with a value of 0 or more. Of a text that is there already the value is replaced; it is returned, else -1. */
  add(text: string, value: number): number {
    let node = Trie.ROOT;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      const slots = this.#slots;
      const at = this.#locate(node, unit);
      let next = slots[at + 2]!;
      if (next === 0) {
        next = this.#nodes++;
        slots[at] = node;
        slots[at + 1] = unit;
        slots[at + 2] = next;
        if (this.#nodes * 3 > this.#mask * 2) this.#grow();
        if (next >= this.#values.length) this.#values = enlarged(this.#values);
      }
      node = next;
    }
    const before = this.#values[node]!;
    this.#values[node] = value;
    return before;
  }
  /** The node behind one more unit; 0 = no text goes on like that. */
  child(node: number, unit: number): number {
    return this.#slots[this.#locate(node, unit) + 2]!;
  }
  /** The node at the end of a text; -1 = no text begins like that. */
  walk(text: string): number {
    let node = Trie.ROOT;
    for (let i = 0; i < text.length; i++) {
      node = this.child(node, text.charCodeAt(i));
      if (node === 0) return -1;
    }
    return node;
  }
  /** Value of the text that ends at a node, -1 = none does. */
  value(node: number): number {
    return this.#values[node]!;
  }

  /** Where the child of a node stands in the slots, or would. */
  #locate(node: number, unit: number): number {
    const slots = this.#slots;
    for (let slot = hash(node, unit) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = 3 * slot;
      if (slots[at + 2] === 0 || (slots[at] === node && slots[at + 1] === unit)) return at;
    }
  }
  #grow(): void {
    const old = this.#slots;
    this.#mask = 2 * this.#mask + 1;
    this.#slots = new Int32Array(3 * (this.#mask + 1));
    for (let at = 0; at < old.length; at += 3)
      if (old[at + 2] !== 0) this.#slots.set(old.subarray(at, at + 3), this.#locate(old[at]!, old[at + 1]!));
  }
}

function hash(node: number, unit: number): number {
  const mixed = Math.imul(node, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
function enlarged(values: Int32Array): Int32Array<ArrayBuffer> {
  const more = new Int32Array(2 * values.length).fill(-1);
  more.set(values);
  return more;
}
