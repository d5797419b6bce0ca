/**
 * Hidden tokens at every level of noise. Nie et al. 2025, "Large Language Diffusion Models": a share drawn from (0, 1] for each row
 * is hidden, and a hidden token's loss is divided by it; 1 % of the batches are cut to a random length. With a noise schedule:
 * the continuous-time bound of Sahoo et al. 2024, "Simple and Effective Masked Diffusion Language Models". The shares of a batch
 * are spread evenly over the range, as in both papers' code, so they belong to a row's place in its batch.
 */
import { ConfigError } from '../../errors.ts';
import {
  answerDiffusionLoss,
  continuousDiffusionLoss,
  hiddenShare,
  maskedDiffusionLoss,
  NOISE_SCHEDULES,
  type NoiseScheduleName,
  noiseTimes,
  noiseWeight,
} from '../../nn/diffusion-loss.ts';
import { IGNORE, Tensor } from '../../tensor/index.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import type { Rng } from '../../util/rng.ts';
import type { LossOf, TrainBatch } from '../batch.ts';
import { textField } from '../data/row.ts';
import { maskOf, padIdOf, padRows } from './collate.ts';
import { type CompletionOptions, promptAndCompletion } from './completion.ts';
import { checkLength, checkShares, neededToken, tokenColumn } from './frame.ts';
import type { Objective } from './objective.ts';

interface NoiseOptions {
  readonly tokenizer: Tokenizer;
  /** The token that stands for a hidden one. Default: the tokenizer's mask token. */
  readonly maskId?: number | undefined;
}
export interface MaskedDiffusionOptions extends NoiseOptions {
  /** Tokens of a row. */
  readonly length: number;
  /** How noise grows with time. Default: none, the share itself is drawn. */
  readonly schedule?: NoiseScheduleName | undefined;
  /** Share of batches that are cut to a random length. Default 0.01. */
  readonly randomLengthProb?: number | undefined;
  /** Behind each text. Default: the tokenizer's end token; null: none. */
  readonly endToken?: number | null | undefined;
  /** Default `text`. */
  readonly column?: string | undefined;
}

/** A batch whose rows count by how noisy they are. */
export interface DiffusionBatch extends TrainBatch {
  /** `[B]`: the share of a row's tokens that is hidden, or what each of them counts. */
  readonly noise: readonly number[];
  /** `[B]`: tokens of each answer, where answers alone are hidden. */
  readonly answerLengths?: readonly number[] | undefined;
}

/** Text laid end to end and cut into rows. @throws ConfigError for a schedule that is none, a length without room, no mask token */
export function maskedDiffusion(options: MaskedDiffusionOptions): Objective<'ids'> {
  const { tokenizer, length, schedule: name, randomLengthProb = 0.01, column = 'text' } = options;
  const { endToken = tokenizer.specialTokens.eos ?? null } = options;
  if (name !== undefined && !Object.hasOwn(NOISE_SCHEDULES, name))
    throw new ConfigError('no such noise schedule', {
      seen: `${name}`,
      expected: Object.keys(NOISE_SCHEDULES).join(', '),
    });
  const schedule = name && NOISE_SCHEDULES[name];
  const maskId = options.maskId ?? neededToken(tokenizer, 'mask', 'masked-diffusion');
  checkLength(length, 0, 'masked-diffusion');
  checkShares({ randomLengthProb }, 'masked-diffusion');
  return {
    name: 'masked-diffusion',
    columns: { ids: tokenColumn(tokenizer) },
    settings: { column, endToken },
    encode(row) {
      const ids = tokenizer.encodeIds(textField(row, [column]), { addSpecialTokens: false });
      if (ids.length === 0) return [];
      return [{ ids: endToken === null ? ids : [...ids, endToken] }];
    },
    blockLength: length,
    batch(examples, rngs): DiffusionBatch {
      const times = noiseTimes(examples.length, rngs[0]!);
      const cut = rngs[0]!.uniform() < randomLengthProb ? 1 + rngs[0]!.below(length) : length;
      const rows = examples.map(({ ids }) => Array.from(ids).slice(0, cut));
      const shares = schedule ? times.map(t => hiddenShare(schedule, t)) : times;
      const hidden = rows.map((ids, i) => hide(ids, undefined, shares[i]!, maskId, rngs[i]!));
      const inputs = {
        input_ids: padRows(
          hidden.map(({ ids }) => ids),
          padIdOf(tokenizer),
        ),
        attention_mask: maskOf(rows),
        labels: padRows(
          hidden.map(({ labels }) => labels),
          IGNORE,
        ),
      };
      return {
        inputs,
        tokens: rows.length * inputs.input_ids[0]!.length,
        examples: rows.length,
        noise: schedule ? times.map(t => noiseWeight(schedule, t)) : shares,
      };
    },
    lossOf: (graph, batch) => {
      const { targets, hidden, noise } = noisedTensors(batch);
      return schedule
        ? continuousDiffusionLoss(graph.logits, targets, hidden, noise, maskId)
        : maskedDiffusionLoss(graph.logits, targets, hidden, noise);
    },
    texts: row => [textField(row, [column])],
  };
}

export interface AnswerDiffusionOptions
  extends NoiseOptions,
    Pick<CompletionOptions, 'promptColumn' | 'completionColumn'> {
  /** Longest row in tokens; longer ones lose their end, and are left out when nothing of the answer remains. */
  readonly maxLength: number;
}

/**
 * Instruction tuning: of a prompt and its answer the answer alone is hidden. Answers are filled up with end tokens, which are hidden
 * and learned like the rest, so that the network learns where answers end. @throws ConfigError for a tokenizer without mask or end token
 */
export function answerDiffusion(options: AnswerDiffusionOptions): Objective<'ids' | 'learned'> {
  const { tokenizer, maxLength, promptColumn, completionColumn } = options;
  const maskId = options.maskId ?? neededToken(tokenizer, 'mask', 'answer-diffusion');
  const end = neededToken(tokenizer, 'eos', 'answer-diffusion');
  checkLength(maxLength, 1, 'answer-diffusion');
  const { encode, columns, texts } = promptAndCompletion(options);
  return {
    name: 'answer-diffusion',
    columns,
    settings: { promptColumn: promptColumn ?? null, completionColumn: completionColumn ?? null, maxLength },
    encode(row) {
      const { ids, learned } = encode(row);
      const kept = learned.slice(0, maxLength);
      return kept.includes(1) ? [{ ids: ids.slice(0, maxLength), learned: kept }] : [];
    },
    batch(examples, rngs): DiffusionBatch {
      const shares = noiseTimes(examples.length, rngs[0]!);
      const rows = padRows(
        examples.map(({ ids }) => ids),
        end,
      );
      const answers = padRows(
        examples.map(({ learned }) => learned),
        1,
      );
      const hidden = rows.map((ids, i) => hide(Array.from(ids), answers[i], shares[i]!, maskId, rngs[i]!));
      return {
        inputs: { input_ids: hidden.map(({ ids }) => ids), labels: hidden.map(({ labels }) => labels) },
        tokens: rows.length,
        examples: rows.length,
        noise: shares,
        answerLengths: answers.map(row => row.reduce((n, learned) => n + learned, 0)),
      };
    },
    lossOf: (graph, batch) => {
      const { targets, hidden, noise, lengths } = noisedTensors(batch);
      return answerDiffusionLoss(graph.logits, targets, hidden, noise, lengths);
    },
    texts,
    maxLength,
  };
}

/** Hides each token, or each of those that `learned` marks, with a probability; labels name the hidden ones. */
function hide(
  ids: readonly number[],
  learned: ArrayLike<number> | undefined,
  share: number,
  maskId: number,
  rng: Rng,
): { readonly ids: number[]; readonly labels: number[] } {
  const isHidden = ids.map((_, i) => rng.uniform() < share && (learned?.[i] ?? 1) === 1);
  return {
    ids: ids.map((id, i) => (isHidden[i] ? maskId : id)),
    labels: ids.map((id, i) => (isHidden[i] ? id : IGNORE)),
  };
}

/** What the losses read. @throws ConfigError for a batch of another objective */
function noisedTensors(batch: Parameters<LossOf>[1]) {
  const { inputs, noise, answerLengths } = batch as Partial<DiffusionBatch>;
  if (!inputs?.labels || !noise)
    throw new ConfigError('a batch without noise', { fix: 'take the batches and the loss from one objective' });
  const rows = Array.from(inputs.labels as readonly ArrayLike<number>[]);
  const labels = rows.flatMap(row => Array.from(row));
  const shape = [rows.length, rows[0]!.length];
  return {
    targets: Tensor.from(
      Int32Array.from(labels, label => (label === IGNORE ? 0 : label)),
      shape,
    ),
    hidden: Tensor.from(
      Uint8Array.from(labels, label => Number(label !== IGNORE)),
      shape,
      'bool',
    ),
    noise: Tensor.from(Float32Array.from(noise), [rows.length]),
    lengths: Tensor.from(Float32Array.from(answerLengths ?? []), [answerLengths?.length ?? 0]),
  };
}
