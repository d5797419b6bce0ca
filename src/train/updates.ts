/** Steps of an optimizer over all parameters: what it keeps on the device, and one plan that changes everything in place. */
import { assign, type Backend, Tensor } from '../tensor/index.ts';
import { OPTIMIZERS, type Optimizer } from './optimizers/index.ts';
import type { TrainSettings } from './options.ts';
import type { Learned } from './trainee.ts';
import { zeros } from './zeros.ts';

export interface Updates {
  /** What the optimizer keeps, by `exp_avg.` (and so on) and the parameter's name. */
  readonly state: ReadonlyMap<string, Tensor>;
  /** Changes the parameters that `reached` says, by their gradients. */
  step(at: { step: number; learningRate: number; clip: number }, reached: readonly boolean[]): Promise<void>;
  dispose(): void;
}
type Numbers = Readonly<Record<string, { readonly array: Float32Array; readonly tensor: Tensor }>>;

/**
 * @param gradients one for each parameter
 * @param derived what follows from the parameters, given their new values
 */
export function updatesOf(
  learned: readonly Learned[],
  gradients: readonly Tensor[],
  derived: (now: (tensor: Tensor) => Tensor) => readonly (readonly [Tensor, Tensor])[],
  backend: Backend,
  settings: TrainSettings,
): Updates {
  const optimizer: Optimizer = OPTIMIZERS[settings.optim];
  const state = new Map<string, Tensor>();
  const kept = learned.map(({ name, spec }) => {
    const own = Object.entries(optimizer.state(spec.shape, settings));
    const tensors = Object.fromEntries(own.map(([key, shape]) => [key, zeros(backend, shape!)]));
    for (const [key, tensor] of Object.entries(tensors)) state.set(`${key}.${name}`, tensor);
    return tensors;
  });
  const decays = learned.map(({ name, spec }) => (settings.decays(name, spec) ? settings.weightDecay : 0));
  const numbersAt = (weightDecay: number, at: { step: number; learningRate: number; clip: number }) =>
    optimizer.numbers({ ...at, weightDecay }, settings);

  // The graph of a step is built once: between steps nothing changes but the numbers in these leaves.
  const first = { step: 1, learningRate: 0, clip: 1 };
  const groups = new Map<number, Numbers>();
  for (const decay of decays)
    if (!groups.has(decay))
      groups.set(decay, Object.fromEntries(Object.keys(numbersAt(decay, first)).map(key => [key, scalar()])));
  const graphOf = (reached: readonly boolean[]): (readonly [Tensor, Tensor])[] => {
    const now = new Map<Tensor, Tensor>();
    const updates = learned.flatMap(({ tensor }, i) => {
      if (!reached[i]) return [];
      const own = groups.get(decays[i]!)!;
      const numbers = Object.fromEntries(Object.entries(own).map(([key, leaf]) => [key, leaf.tensor]));
      const after = optimizer.update({ value: tensor, gradient: gradients[i]!, state: kept[i]!, numbers, settings });
      now.set(tensor, after.value);
      const pairs = Object.entries(after.state).map(([key, value]) => [kept[i]![key]!, value!] as const);
      return [...pairs, [tensor, after.value] as const];
    });
    return [...updates, ...derived(tensor => now.get(tensor) ?? tensor)];
  };
  let graph: { readonly of: string; readonly updates: readonly (readonly [Tensor, Tensor])[] } | undefined;
  return {
    state,
    async step(at, reached) {
      for (const [decay, leaves] of groups)
        for (const [key, value] of Object.entries(numbersAt(decay, at))) leaves[key]!.array[0] = value;
      if (graph?.of !== `${reached}`) graph = { of: `${reached}`, updates: graphOf(reached) };
      await assign(graph.updates);
    },
    dispose() {
      for (const tensor of state.values()) tensor.dispose();
    },
  };
}
function scalar() {
  const array = new Float32Array(1);
  return { array, tensor: Tensor.from(array, []) };
}
