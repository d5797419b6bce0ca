/**
 * The logit lens: what the model would predict if it ended after each layer. What each layer leaves in the residual stream is put
 * in the place of the last one's, so the norm and head behind it are the model's own, whatever they are. nostalgebraist 2020,
 * "interpreting GPT: the logit lens".
 */
import { ConfigError } from '../errors.ts';
import type { ModelInputs } from '../models/forward.ts';
import { replace, Tensor } from '../tensor/index.ts';
import { type ExplainedModel, tokenLogits, valuesOf } from './explained-model.ts';
import { residualStream } from './residual-stream.ts';
import { type AnswerScore, likeliest, scoreOf, type TokenScore } from './token-scores.ts';

/** Places of which predictions are read, each with the token that is right, if one is. */
export interface LensPlace {
  readonly position: number;
  readonly answer?: number | undefined;
}
export interface LensLayer {
  /** Name of the tensor that was read: `blocks.0.resid_pre`, then what each layer leaves. */
  readonly name: string;
  readonly places: readonly {
    readonly position: number;
    readonly top: readonly TokenScore[];
    readonly answer: AnswerScore | undefined;
  }[];
}
export interface LensOptions {
  /** Default: every token of the row, without answers. */
  readonly places?: readonly LensPlace[] | undefined;
  /** Likeliest tokens to keep; default 5. */
  readonly top?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The predictions after each layer, and first those from the embedding alone; the last ones are the model's.
 * @param inputs of one row
 * @throws ConfigError for a head that predicts no tokens, for a place beyond the row and an answer beyond the vocabulary
 */
export async function logitLens(
  model: ExplainedModel,
  inputs: ModelInputs,
  { places: given, top = 5, signal }: LensOptions = {},
): Promise<LensLayer[]> {
  const { start, layers } = residualStream(model, inputs);
  const logits = tokenLogits(model, model.graph(inputs));
  const [B, T, V] = logits.shape as [number, number, number];
  if (B !== 1) throw new ConfigError('the lens reads one row', { seen: `${B}` });
  const places: readonly LensPlace[] = given ?? Array.from({ length: T }, (_, position) => ({ position }));
  for (const { position, answer = 0 } of places)
    if (!(position >= 0 && position < T && answer >= 0 && answer < V))
      throw new ConfigError('no such place or token', {
        seen: `token ${answer} at ${position}`,
        expected: `a token below ${V} at 0 to ${T - 1}`,
      });
  const names = [start, ...layers];
  const streams = await valuesOf(model, inputs, names);
  const out: LensLayer[] = [];
  for (const [i, name] of names.entries()) {
    signal?.throwIfAborted();
    const { shape, data } = streams[i]!;
    const state = Tensor.from(Float32Array.from(data), shape);
    const scores = await replace(logits, layers.at(-1)!, () => state).data();
    out.push({
      name,
      places: places.map(({ position, answer }) => ({
        position,
        top: likeliest(scores, position * V, V, top),
        answer: answer === undefined ? undefined : scoreOf(scores, position * V, V, answer),
      })),
    });
  }
  return out;
}
