/** Ids of a prompt of 512 tokens, and what chooses the next one. */
export const IDS = Array.from({ length: 512 }, (_, i) => 300 + ((i * 7919) % 31000));

/** The place of the largest of the last `size` numbers. */
export function argmax(logits, size) {
  const begin = logits.length - size;
  let best = 0;
  for (let i = 1; i < size; i++) if (logits[begin + i] > logits[begin + best]) best = i;
  return best;
}
