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
  step(at: At, reached: readonly boolean[]): Promise<void>;
  dispose(): void;
}
type At = { readonly step: number; readonly learningRate: number; readonly clip: number };
/** Parameters with one optimizer and one decay share the numbers of a step. */
interface Group {
  readonly optimizer: Optimizer;
  readonly weightDecay: number;
  numbersAt(at: At): Readonly<Record<string, number>>;
  readonly numbers: Readonly<Record<string, { readonly array: Float32Array; readonly tensor: Tensor }>>;
}

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
  const chosen: Optimizer = OPTIMIZERS[settings.optim];
  const state = new Map<string, Tensor>();
  const optimizers = learned.map(({ spec }) => (chosen.others?.of(spec) ? chosen.others.optimizer : chosen));
  const kept = learned.map(({ name, spec }, i) => {
    const optimizer = optimizers[i]!;
    const own = Object.entries(optimizer.state(spec.shape, settings));
    const tensors = Object.fromEntries(own.map(([key, shape]) => [key, zeros(backend, shape!)]));
    for (const [key, tensor] of Object.entries(tensors)) state.set(`${key}.${name}`, tensor);
    return tensors;
  });
  const decays = learned.map(({ name, spec }) => (settings.decays(name, spec) ? settings.weightDecay : 0));

  // The graph of a step is built once: between steps nothing changes but the numbers in these leaves.
  const first = { step: 1, learningRate: 0, clip: 1 };
  const groups: Group[] = [];
  const groupOf = optimizers.map((optimizer, i) => {
    const weightDecay = decays[i]!;
    const known = groups.find(group => group.optimizer === optimizer && group.weightDecay === weightDecay);
    if (known) return known;
    const numbersAt = (at: At) => optimizer.numbers({ ...at, weightDecay }, settings);
    const numbers = Object.fromEntries(Object.keys(numbersAt(first)).map(key => [key, scalar()]));
    const group = { optimizer, weightDecay, numbersAt, numbers };
    groups.push(group);
    return group;
  });
  const graphOf = (reached: readonly boolean[]): (readonly [Tensor, Tensor])[] => {
    const now = new Map<Tensor, Tensor>();
    const updates = learned.flatMap(({ tensor }, i) => {
      if (!reached[i]) return [];
      const { optimizer, numbers: own } = groupOf[i]!;
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
      for (const { numbersAt, numbers } of groups)
        for (const [key, value] of Object.entries(numbersAt(at))) numbers[key]!.array[0] = value;
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
