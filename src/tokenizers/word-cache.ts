/**
 * The tokens of words that have been met. A word is found by its code units, without a string being made of it; that costs a
 * fraction of a look-up in a Map. Words that fall together too often push each other out, so a look-up takes bounded time.
 */

/** Powers of two. At most half of the slots are used. */
const FIRST_SLOTS = 1 << 12;
const MAX_SLOTS = 1 << 16;
/** A power of two: few steps to the full size. */
const GROWTH = 4;
/** Places tried for a word. */
const MAX_PROBES = 8;
/** Longer words are not kept. */
const MAX_LENGTH = 64;
/** Fields of a slot: hash, where the units of the word are, their number (0 = free), where its ids are; -1 - id of a single one. */
const FIELDS = 4;

export class WordCache {
  #slots = new Int32Array(FIELDS * FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  #units = new Uint16Array(1 << 12);
  #unitCount = 0;
  /** Of each word the number of its ids and the ids. */
  #ids = new Int32Array(1 << 12);
  #idCount = 0;
  #words = 0;
  /** Hash and slot for a word that was looked for in vain; slot -1 = it is too long. */
  #missedHash = 0;
  #missedSlot = -1;

  /** Appends the ids of the word `text[start, end)`, if they are known. */
  append(text: string, start: number, end: number, ids: number[]): boolean {
    const length = end - start;
    this.#missedSlot = -1;
    if (length > MAX_LENGTH) return false;
    let hash = length;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x9e3779b1);
    hash ^= hash >>> 15;
    const slots = this.#slots;
    const mask = this.#mask;
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const slot = FIELDS * ((hash + probe) & mask);
      const known = slots[slot + 2]!;
      if (known === length && slots[slot] === hash && this.#isAt(slots[slot + 1]!, text, start, end)) {
        const at = slots[slot + 3]!;
        if (at < 0) {
          ids.push(-1 - at);
          return true;
        }
        const last = at + this.#ids[at]!;
        for (let i = at + 1; i <= last; i++) ids.push(this.#ids[i]!);
        return true;
      }
      if (known === 0 || probe === 0) this.#missedSlot = slot;
      if (known === 0) break;
    }
    this.#missedHash = hash;
    return false;
  }

  /** Keeps the ids `from` on of a word that `append` has just looked for in vain. */
  add(text: string, start: number, end: number, ids: readonly number[], from: number): void {
    if (this.#missedSlot < 0) return;
    if (2 * this.#words > this.#mask) {
      if (this.#mask + 1 < MAX_SLOTS) this.#grow();
      else this.#clear();
      this.#missedSlot = this.#freeSlot(this.#missedHash);
    }
    this.#words++;
    const count = ids.length - from;
    if (this.#unitCount + MAX_LENGTH > this.#units.length) this.#units = doubled(this.#units, Uint16Array);
    while (this.#idCount + count >= this.#ids.length) this.#ids = doubled(this.#ids, Int32Array);
    const place = count === 1 ? -1 - ids[from]! : this.#idCount;
    this.#slots.set([this.#missedHash, this.#unitCount, end - start, place], this.#missedSlot);
    for (let i = start; i < end; i++) this.#units[this.#unitCount++] = text.charCodeAt(i);
    if (count === 1) return;
    this.#ids[this.#idCount++] = count;
    for (let i = from; i < ids.length; i++) this.#ids[this.#idCount++] = ids[i]!;
  }

  #isAt(place: number, text: string, start: number, end: number): boolean {
    const units = this.#units;
    for (let i = start; i < end; i++) if (units[place++] !== text.charCodeAt(i)) return false;
    return true;
  }

  /** A free slot for a word; the first that it could have, where all are taken. */
  #freeSlot(hash: number): number {
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const slot = FIELDS * ((hash + probe) & this.#mask);
      if (this.#slots[slot + 2] === 0) return slot;
    }
    return FIELDS * (hash & this.#mask);
  }

  #grow(): void {
    const old = this.#slots;
    this.#mask = GROWTH * (this.#mask + 1) - 1;
    this.#slots = new Int32Array(FIELDS * (this.#mask + 1));
    for (let at = 0; at < old.length; at += FIELDS)
      if (old[at + 2] !== 0) this.#slots.set(old.subarray(at, at + FIELDS), this.#freeSlot(old[at]!));
  }

  #clear(): void {
    this.#slots.fill(0);
    this.#unitCount = 0;
    this.#idCount = 0;
    this.#words = 0;
  }
}

function doubled<T extends Uint16Array | Int32Array>(array: T, make: new (length: number) => T): T {
  const larger = new make(2 * array.length);
  larger.set(array);
  return larger;
}
