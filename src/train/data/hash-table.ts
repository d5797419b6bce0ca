/**
 * Small numbers by 53-bit hashes in flat arrays, with open addressing: the engine's own Map ends at 2^24 entries, which the rows of
 * a large file are more than, and takes four times the memory.
 */

export interface HashTable {
  /** The number that a hash was first put in with; undefined for a new one, which is put in with this. */
  firstOf(hash: number, value: number): number | undefined;
}

/** @returns an empty table. Hashes are whole numbers below 2^53, numbers below 2^16 */
export function hashTable(): HashTable {
  let [keys, values] = arrays(1 << 10);
  let count = 0;
  const grow = () => {
    const [before, kept] = [keys, values];
    [keys, values] = arrays(2 * before.length);
    for (const [i, key] of before.entries())
      if (key !== FREE) {
        const slot = slotOf(keys, key);
        keys[slot] = key;
        values[slot] = kept[i]!;
      }
  };
  return {
    firstOf(hash, value) {
      const slot = slotOf(keys, hash);
      if (keys[slot] === hash) return values[slot];
      keys[slot] = hash;
      values[slot] = value;
      if (2 * ++count > keys.length) grow();
      return undefined;
    },
  };
}
const FREE = -1;
const arrays = (length: number): [Float64Array, Uint16Array] => [
  new Float64Array(length).fill(FREE),
  new Uint16Array(length),
];

/** Where a key is, or is to be. @param keys as many as a power of two, some of them free */
function slotOf(keys: Float64Array, key: number): number {
  const mask = keys.length - 1;
  let slot = key & mask;
  while (keys[slot] !== FREE && keys[slot] !== key) slot = (slot + 1) & mask;
  return slot;
}
