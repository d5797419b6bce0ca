/** The rotary fields of a config, in their older and newer forms. */
import type { RopeConfig, RopeScaling } from '../nn/rope.ts';
import type { ConfigReader } from './config-reader.ts';

/**
 * Reads `rope_theta` and `rope_scaling`, or `rope_parameters`, which newer files keep both in.
 * @param dim features that turn
 */
export function ropeConfig(read: ConfigReader, dim: number, maxPositions: number): RopeConfig {
  const parameters = read.object('rope_parameters');
  const scaling = parameters ?? read.object('rope_scaling');
  return {
    dim,
    theta: (parameters ?? read).number('rope_theta', 10000),
    maxPositions,
    scaling: scaling ? ropeScaling(scaling, maxPositions) : { rope_type: 'default' },
  };
}

function ropeScaling(read: ConfigReader, maxPositions: number): RopeScaling {
  const rope_type = read.string(read.has('rope_type') ? 'rope_type' : 'type', 'default');
  const trained = () => read.integer('original_max_position_embeddings', maxPositions);
  const optional = (name: string) => (read.has(name) ? { [name]: read.number(name) } : {});
  switch (rope_type) {
    case 'default':
      return { rope_type };
    case 'linear':
    case 'dynamic':
      return { rope_type, factor: read.number('factor') };
    case 'llama3':
      return {
        rope_type,
        factor: read.number('factor'),
        low_freq_factor: read.number('low_freq_factor'),
        high_freq_factor: read.number('high_freq_factor'),
        original_max_position_embeddings: trained(),
      };
    case 'yarn':
      return {
        rope_type,
        factor: read.number('factor'),
        beta_fast: read.number('beta_fast', 32),
        beta_slow: read.number('beta_slow', 1),
        original_max_position_embeddings: trained(),
        ...optional('attention_factor'),
        ...optional('mscale'),
        ...optional('mscale_all_dim'),
      };
    default:
      read.check(false, `rope scaling ${rope_type} is not known (default, linear, dynamic, llama3 or yarn)`);
      return { rope_type: 'default' };
  }
}
