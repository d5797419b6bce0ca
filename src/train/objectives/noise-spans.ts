/**
 * Text with spans taken out and a sentinel in the place of each. Raffel et al. 2019, "Exploring the Limits of Transfer Learning
 * with a Unified Text-to-Text Transformer": how many tokens, how many spans, and how both are spread are as in the paper's code.
 */
import { ConfigError } from '../../errors.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import type { Rng } from '../../util/rng.ts';
import { partition, roundHalfEven } from './random-draws.ts';

/** Noise as lengths, in turn: tokens that stay, tokens that are taken out. */
export type Spans = readonly (readonly [kept: number, noise: number])[];

/** How many of n tokens are noise, and in how many spans. */
export function noiseCounts(
  n: number,
  density: number,
  mean: number,
): { readonly noise: number; readonly spans: number } {
  const noise = Math.min(Math.max(roundHalfEven(n * density), 1), n - 1);
  return { noise, spans: Math.min(Math.max(roundHalfEven(noise / mean), 1), noise, n - noise) };
}

/** Noise among n tokens: the two kinds are each cut into as many parts at random; the text begins with what stays. */
export function drawSpans(n: number, density: number, mean: number, rng: Rng): Spans {
  if (n < 2) return [];
  const { noise, spans } = noiseCounts(n, density, mean);
  const taken = partition(noise, spans, rng);
  const kept = partition(n - noise, spans, rng);
  return kept.map((length, i) => [length, taken[i]!]);
}

/** The text without its noise, a sentinel for each span; and the noise, behind the sentinel of its span. */
export function takeSpans(
  ids: ArrayLike<number>,
  spans: Spans,
  sentinels: readonly number[],
): { readonly source: number[]; readonly target: number[] } {
  const tokens = Array.from(ids);
  const [source, target]: [number[], number[]] = [[], []];
  let at = 0;
  spans.forEach(([kept, noise], i) => {
    source.push(...tokens.slice(at, at + kept), sentinels[i]!);
    target.push(sentinels[i]!, ...tokens.slice(at + kept, at + kept + noise));
    at += kept + noise;
  });
  source.push(...tokens.slice(at));
  return { source, target };
}

/** The text again: the inverse of `takeSpans`. What stands behind a sentinel that the source lacks is left out. */
export function putSpansBack(
  source: readonly number[],
  target: readonly number[],
  sentinels: ReadonlySet<number>,
): number[] {
  const spans = new Map<number, number[]>();
  let open: number[] = [];
  for (const id of target)
    if (sentinels.has(id)) spans.set(id, (open = []));
    else open.push(id);
  return source.flatMap(id => (sentinels.has(id) ? (spans.get(id) ?? []) : [id]));
}

/**
 * The sentinel tokens of a tokenizer in the order of their use: `<extra_id_0>` and so on.
 * @throws ConfigError when it has fewer than `count`
 */
export function sentinelsOf(tokenizer: Tokenizer, count: number, objective: string): number[] {
  return Array.from({ length: count }, (_, i) => {
    const id = tokenizer.tokenToId(`<extra_id_${i}>`);
    if (id !== undefined) return id;
    throw new ConfigError('the tokenizer has too few sentinel tokens', {
      seen: `no <extra_id_${i}>`,
      expected: `${count}`,
      fix: 'use shorter texts, longer spans, or a tokenizer with more sentinels',
      where: objective,
    });
  });
}
