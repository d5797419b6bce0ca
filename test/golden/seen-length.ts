/**
 * Dynamic rotary scaling: the reference's model object remembers the longest sequence it has seen and keeps the base of
 * that for shorter ones, so its later cases depend on its earlier ones. Here a pass depends on its own inputs only. The
 * later cases are compared with the rotation frozen at the length that the reference had seen by then.
 */
import { Model } from '../../src/hub/model.ts';
import type { Config } from '../../src/models/llama.ts';
import type { Golden } from './golden-files.ts';

/** The model to compare a case with; `kind` tells forward cases from generated ones. */
export type ModelFor = (kind: 'forward' | 'generate', inputs: string) => Model;

export function modelFor(model: Model, golden: Golden): ModelFor {
  const config = model.parts.config as Partial<Config>;
  if (config.rope?.scaling.rope_type !== 'dynamic') return () => model;
  const read = golden.cases.get('single')?.get('input_ids')?.data.length ?? 0;
  const { prompts, cases } = golden.generation ?? {};
  const written = (prompts?.single?.input_ids[0]?.length ?? 0) + (cases?.greedy_single?.new_tokens[0]?.length ?? 0) - 1;
  const frozen = {
    forward: frozenAt(model, config as Config, read),
    generate: frozenAt(model, config as Config, written),
  };
  return (kind, inputs) => (inputs === 'single' ? model : frozen[kind]);
}

/** The same weights with the base that a sequence of `length` has. Gradients and generation work as with any model. */
function frozenAt(model: Model, config: Config, length: number): Model {
  const { theta, scaling, dim, maxPositions } = config.rope;
  const factor = scaling.rope_type === 'dynamic' ? scaling.factor : 1;
  const stretched = theta * ((factor * length) / maxPositions - (factor - 1)) ** (dim / (dim - 2));
  const fixed: Config = {
    ...config,
    rope: { dim, maxPositions, theta: stretched, scaling: { rope_type: 'default' } },
    max_position_embeddings: 4 * maxPositions,
  };
  return new Model({ ...model.parts, config: fixed });
}
