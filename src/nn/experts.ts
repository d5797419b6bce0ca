/**
 * A mixture of experts in place of one feed-forward layer: a router scores all experts for every token, and only the best
 * few compute. Shazeer et al. 2017; Jiang et al. 2024, "Mixtral of Experts". No token is dropped. Which experts compute is
 * data, the graph is the same for every choice.
 */
import { expertLinear, gather, groupOrder, scatterAdd, softmax, Tensor, takeAlong, topK } from '../tensor/index.ts';
import { activation } from './activation.ts';

/** The matrices of E gated experts, each down(act(gate(x)) * up(x)). */
export interface Experts {
  /** `[F, C]` */
  readonly gates: readonly Tensor[];
  /** `[F, C]` */
  readonly ups: readonly Tensor[];
  /** `[C, F]` */
  readonly downs: readonly Tensor[];
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
  const gate = activation(act)(expertLinear(rows, expert, experts.gates).named('pre'));
  const inner = gate.mul(expertLinear(rows, expert, experts.ups)).named('act');
  const each = expertLinear(inner, expert, experts.downs).mul(inOrder(weights));
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
