/**
 * Recurrences whose steps can be joined in any grouping, over all steps at once: about log2(T) rounds of whole tensors in
 * place of a chain of T steps. Hillis & Steele 1986, "Data Parallel Algorithms"; Martin & Cundy 2018 for networks.
 */
import { concat, Tensor } from '../tensor/index.ts';

/** What some neighbouring steps do together: tensors `[B, T, ...]`, one entry of axis 1 for each step they end at. */
type Steps = readonly Tensor[];

/**
 * Everything up to each step: entry t of the result is `join` of the entries 0 to t. Work grows with T log T.
 * @param join `later` follows `earlier` directly and stands for `span` steps; it has to be associative
 */
export function scan(steps: Steps, join: (earlier: Steps, later: Steps, span: number) => Steps): Tensor[] {
  const T = steps[0]!.dim(1);
  let done = [...steps];
  for (let span = 1; span < T; span *= 2) {
    const cut = (from: number, to: number) => done.map(x => x.slice(1, from, to));
    const first = cut(0, span);
    done = join(cut(0, T - span), cut(span, T), span).map((x, i) => concat([first[i]!, x], 1));
  }
  return done;
}

/**
 * The latest real token before each token, and the one after which a text goes on.
 * @param x `[B, T, C]`
 * @param start `[B, C]`: what came before the first token
 * @param mask bool `[B, T]`, false at padding, which is passed over; undefined = all real
 */
export function previous(x: Tensor, start: Tensor, mask: Tensor | undefined): { before: Tensor; last: Tensor } {
  const [B, T, C] = x.shape as [number, number, number];
  let seen = concat([start.reshape(B, 1, C), x], 1); // [B, T + 1, C]
  if (mask) {
    const real = concat([Tensor.full([B, 1, 1], 1, 'bool'), mask.reshape(B, T, 1)], 1);
    [seen] = scan([seen, real], ([a, aReal], [b, bReal]) => [bReal!.where(b!, a!), bReal!.or(aReal!)]) as [Tensor];
  }
  return { before: seen.slice(1, 0, T), last: seen.slice(1, T, T + 1).reshape(B, C) };
}
