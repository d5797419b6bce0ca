/** Activation functions by the names that checkpoints use. */
import { ConfigError } from '../errors.ts';
import { gelu, geluTanh, quickGelu, relu, sigmoid, silu, type Tensor } from '../tensor/index.ts';

const ACTIVATIONS: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  gelu,
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  gelu_fast: geluTanh,
  quick_gelu: quickGelu,
  relu,
  sigmoid,
  silu,
  swish: silu,
  tanh: x => x.tanh(),
};
/** The names that `activation` knows. */
export const ACTIVATION_NAMES: readonly string[] = Object.keys(ACTIVATIONS);

/** @throws ConfigError for a name that is not known. */
export function activation(name: string): (x: Tensor) => Tensor {
  const f = Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name] : undefined;
  if (!f)
    throw new ConfigError('activation function not known', {
      seen: name,
      expected: Object.keys(ACTIVATIONS).join(', '),
    });
  return f;
}

/** cap * tanh(x / cap), which stays within the cap; 0 = none. Bello et al. 2016. */
export const softcap = (x: Tensor, cap: number): Tensor => (cap ? x.div(cap).tanh().mul(cap) : x);
