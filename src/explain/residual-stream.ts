/** The names of a residual stream: what each layer leaves, and the stream that the logits are made of. */
import { ConfigError } from '../errors.ts';
import type { ModelInputs } from '../models/forward.ts';
import { trace } from '../tensor/index.ts';
import { type ExplainedModel, hasEncoder } from './explained-model.ts';

export interface ResidualStream {
  /** Scope of the layers: '' or `decoder.`. */
  readonly prefix: string;
  /** What the first layer reads. */
  readonly start: string;
  /** What each layer leaves, in their order; the logits are made of the last one. */
  readonly layers: readonly string[];
}

/** The stream below the logits. @throws ConfigError when the model's layers have none */
export function residualStream(model: ExplainedModel, inputs: ModelInputs): ResidualStream {
  const view = trace(...Object.values(model.graph(inputs).outputs));
  const prefix = hasEncoder(model) ? 'decoder.' : '';
  const layers: string[] = [];
  while (view.has(`${prefix}blocks.${layers.length}.resid_post`))
    layers.push(`${prefix}blocks.${layers.length}.resid_post`);
  const start = `${prefix}blocks.0.resid_pre`;
  if (layers.length === 0 || !view.has(start))
    throw new ConfigError('this model has no residual stream', { seen: model.parts.architecture.name });
  return { prefix, start, layers };
}
