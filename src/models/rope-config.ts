/** The rotary fields of a config, in their older and newer forms. */
import type { RopeConfig, RopeScaling } from '../nn/rope.ts';
import type { ConfigReader } from './config-reader.ts';

/**
 * Reads `rope_theta` and `rope_scaling`, or `rope_parameters`, which newer files keep both in, by kind of layer where kinds
 * differ: those of full attention are read.
 * @param dim features that turn
 * @param theta what a config without `rope_theta` means
 */
export function ropeConfig(read: ConfigReader, dim: number, maxPositions: number, theta = 10000): RopeConfig {
  const newer = read.object('rope_parameters');
  const parameters = newer?.object('full_attention') ?? newer;
  const scaling = parameters ?? read.object('rope_scaling');
  return {
    dim,
    theta: (parameters ?? read).positive('rope_theta', theta),
    maxPositions,
    scaling: scaling ? ropeScaling(scaling, read, dim, maxPositions) : { rope_type: 'default' },
  };
}

/** Features of a head that turn, by `partial_rotary_factor`, which newer files keep in `rope_parameters`. */
export function turnedFeatures(read: ConfigReader, headDim: number, fraction: number): number {
  const parameters = read.object('rope_parameters');
  const factor = (parameters?.has('partial_rotary_factor') ? parameters : read).number(
    'partial_rotary_factor',
    fraction,
  );
  const dim = Math.floor(headDim * factor);
  read.check(
    dim > 0 && dim <= headDim && dim % 2 === 0,
    `${dim} of ${headDim} features of a head turn (partial_rotary_factor ${factor}): not an even number up to all`,
  );
  return dim;
}

/** @param config the whole config, where some families keep the length that a model was trained on */
function ropeScaling(read: ConfigReader, config: ConfigReader, dim: number, maxPositions: number): RopeScaling {
  const rope_type = read.string(read.has('rope_type') ? 'rope_type' : 'type', 'default');
  const trained = () => read.integer('original_max_position_embeddings', maxPositions);
  const optional = (name: string) => (read.has(name) ? { [name]: read.number(name) } : {});
  switch (rope_type) {
    case 'default':
      return { rope_type };
    case 'linear':
    case 'dynamic':
      return { rope_type, factor: read.positive('factor') };
    case 'llama3':
      return {
        rope_type,
        factor: read.positive('factor'),
        low_freq_factor: read.positive('low_freq_factor'),
        high_freq_factor: read.positive('high_freq_factor'),
        original_max_position_embeddings: trained(),
      };
    case 'yarn':
      return {
        rope_type,
        factor: read.positive('factor'),
        beta_fast: read.number('beta_fast', 32),
        beta_slow: read.number('beta_slow', 1),
        original_max_position_embeddings: trained(),
        ...optional('attention_factor'),
        ...optional('mscale'),
        ...optional('mscale_all_dim'),
      };
    case 'su': // the name before it was published
    case 'longrope': {
      const apart = config.has('original_max_position_embeddings');
      const original = apart ? config.integer('original_max_position_embeddings') : trained();
      const stretch = maxPositions / original;
      return {
        rope_type: 'longrope',
        factor: apart ? stretch : read.positive('factor', stretch),
        short_factor: read.factors('short_factor', dim / 2),
        long_factor: read.factors('long_factor', dim / 2),
        original_max_position_embeddings: original,
        ...optional('attention_factor'),
      };
    }
    default:
      read.check(false, `rope scaling ${rope_type} is not known (default, linear, dynamic, llama3, yarn or longrope)`);
      return { rope_type: 'default' };
  }
}
