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
  if (config.rope_scaling?.rope_type !== 'dynamic') return () => model;
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
  const { rope_theta, rope_scaling, head_dim: D, max_position_embeddings: trained } = config;
  const factor = rope_scaling.rope_type === 'dynamic' ? rope_scaling.factor : 1;
  const theta = rope_theta * ((factor * length) / trained - (factor - 1)) ** (D / (D - 2));
  const fixed: Config = {
    ...config,
    rope_theta: theta,
    rope_scaling: { rope_type: 'default' },
    max_position_embeddings: 4 * trained,
  };
  return new Model({ ...model.parts, config: fixed });
}
