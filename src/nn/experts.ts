/**
 * A mixture of experts in place of one feed-forward layer: a router scores all experts for every token, and only the best
 * few compute. Shazeer et al. 2017; Jiang et al. 2024, "Mixtral of Experts". No token is dropped. Which experts compute is
 * data, the graph is the same for every choice.
 */
import { expertLinear, gather, groupOrder, scatterAdd, softmax, Tensor, takeAlong, topK } from '../tensor/index.ts';
import { activation } from './activation.ts';
import { addLowRank } from './adapter.ts';
import type { LinearParams } from './linear.ts';

/** E gated experts, each down(act(gate(x)) * up(x)), without biases. */
export interface Experts {
  /** `[F, C]` */
  readonly gates: readonly LinearParams[];
  /** `[F, C]` */
  readonly ups: readonly LinearParams[];
  /** `[C, F]` */
  readonly downs: readonly LinearParams[];
}
/** Each row through the layer of its expert, with that one's adapters: x `[R, in]`, expert i32 `[R]` -> `[R, out]`. */
function linearOf(layers: readonly LinearParams[], x: Tensor, expert: Tensor): Tensor {
  const products = expertLinear(
    x,
    expert,
    layers.map(({ weight }) => weight),
  );
  const mine = (e: number) => expert.equal(e).reshape(x.dim(0), 1);
  return layers.reduce((y, { adapters }, e) => (adapters ? mine(e).where(addLowRank(adapters, x, y), y) : y), products);
}

/**
 * Σ weight * expert(x) over each token's `k` most probable experts, their probabilities scaled to a sum of 1; of equally
 * probable experts the first: x and result `[N, C]`. Names `choice`, `pre`, `act` and `out`; the rows of `pre` and `act` stand in
 * order of their expert.
 * @param router scores `[N, E]`
 */
export function mixExperts(x: Tensor, router: Tensor, k: number, experts: Experts, act: string): Tensor {
  const [N, E] = router.shape as [number, number];
  const probabilities = softmax(router);
  const choice = topK(probabilities, k).named('choice'); // [N, k]
  const chosen = takeAlong(probabilities, choice);
  const weights = chosen.div(chosen.sum());

  // N * k rows, those of an expert side by side: then each expert is one product.
  const order = groupOrder(choice.reshape(N * k), E);
  const inOrder = (t: Tensor) => gather(t.reshape(N * k, 1), order); // [N * k, 1]
  const expert = inOrder(choice).reshape(N * k);
  const token = inOrder(Tensor.iota(N).reshape(N, 1).expand([N, k])).reshape(N * k);
  const rows = gather(x, token); // [N * k, C]
  const gate = activation(act)(linearOf(experts.gates, rows, expert).named('pre'));
  const inner = gate.mul(linearOf(experts.ups, rows, expert)).named('act');
  const each = linearOf(experts.downs, inner, expert).mul(inOrder(weights));
  return scatterAdd(each, token, N).named('out');
}

/**
 * How unevenly the router treats its experts: E Σ (share of the tokens that an expert gets) * (its mean probability), over the
 * tokens of all layers together; k when all are treated alike. Fedus et al. 2021, "Switch Transformers".
 * @param routers scores `[B * T, E]` of each layer
 * @param mask bool `[B, T]`: padding does not count; undefined = all real
 */
export function balanceLoss(routers: readonly Tensor[], k: number, mask: Tensor | undefined): Tensor {
  const [N, E] = routers[0]!.shape as [number, number];
  const real = mask ? mask.reshape(N, 1).cast('f32') : Tensor.full([N, 1], 1);
  const count = real.sumAll().mul(routers.length);
  const sumOver = (of: (probabilities: Tensor) => Tensor): Tensor =>
    routers
      .map(router => of(softmax(router)).mul(real).sum(0))
      .reduce((sum, layer) => sum.add(layer))
      .div(count);
  const mean = sumOver(p => p); // [1, E]
  const share = sumOver(p => {
    const choice = topK(p, k).reshape(N, k, 1);
    return Tensor.iota(E).equal(choice).cast('f32').sum(1).reshape(N, E);
  });
  return share.mul(mean).sumAll().mul(E);
}
