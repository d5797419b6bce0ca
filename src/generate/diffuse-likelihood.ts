/**
 * How probable a text is to a denoiser: Monte-Carlo estimates of a lower bound of log p(answer | prompt), from answers with
 * some tokens hidden. Nie et al. 2025, "Large Language Diffusion Models" (a number of tokens is hidden); Sahoo et al. 2024,
 * "Simple and Effective Masked Diffusion Language Models" (time is continuous).
 */

import { ConfigError } from '../errors.ts';
import { hiddenShare, NOISE_SCHEDULES, type NoiseScheduleName, noiseTimes, noiseWeight } from '../nn/diffusion-loss.ts';
import { createRng, type Rng, randomSeed } from '../util/rng.ts';
import { Canvas } from './diffuse-canvas.ts';
import type { Denoiser } from './diffuse-denoiser.ts';
import { checkIds } from './diffuse-run.ts';
import { show } from './options.ts';
import { logSumExp } from './select.ts';

export interface LikelihoodOptions {
  /** Draws to average over. Default 128; a single-token answer needs one. */
  readonly samples?: number | undefined;
  /** Draws in one pass of the network; they are spread evenly over the range. Default 16. */
  readonly batchSize?: number | undefined;
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface LikelihoodEstimate {
  /** Estimated bound of ln p(answer | prompt), in nats. */
  readonly logLikelihood: number;
  /** exp(-logLikelihood / tokens of the answer). */
  readonly perplexity: number;
  /** Of `logLikelihood`, from the spread of the batches; undefined for one batch. */
  readonly standardError: number | undefined;
  readonly seed: number;
}

/** One noised copy of the answer. */
interface Draw {
  /** Indices of hidden tokens, rising. */
  readonly hidden: readonly number[];
  /** What -log p of each counts. */
  readonly weight: number;
  readonly sigma?: number;
}

/**
 * Hides k of the n answer tokens, k evenly from 1 to n, and counts each with n / k.
 * @param options.cfgScale classifier-free guidance, see `DiffuseOptions`
 * @throws ConfigError for options, ids or lengths that cannot be
 */
export async function countedLikelihood(
  denoiser: Denoiser,
  prompt: readonly number[],
  answer: readonly number[],
  options: LikelihoodOptions & { readonly cfgScale?: number | undefined } = {},
): Promise<LikelihoodEstimate> {
  const { cfgScale: guidance = 0, ...rest } = options;
  if (!(Number.isFinite(guidance) && guidance >= 0))
    throw new ConfigError('cfgScale is a finite number of at least 0', { seen: show(guidance) });
  const n = answer.length;
  const draws = (count: number, rng: Rng): Draw[] => {
    const first = rng.below(n);
    return Array.from({ length: count }, (_, i) => {
      const k = (Math.round(first + (i * n) / count) % n) + 1;
      return { hidden: subset(n, k, rng), weight: n / k };
    });
  };
  return estimate(denoiser, prompt, answer, rest, draws, { guidance, maskCounts: true });
}

/**
 * Hides each answer token with the probability of a time between 0 and 1, and reads the network with zero probability of
 * MASK.
 * @throws ConfigError for options, ids or lengths that cannot be
 */
export async function continuousLikelihood(
  denoiser: Denoiser,
  prompt: readonly number[],
  answer: readonly number[],
  options: LikelihoodOptions & { readonly schedule?: NoiseScheduleName | undefined } = {},
): Promise<LikelihoodEstimate> {
  const { schedule: name = 'log-linear', ...rest } = options;
  if (!Object.hasOwn(NOISE_SCHEDULES, name))
    throw new ConfigError('no such noise schedule', {
      seen: show(name),
      expected: Object.keys(NOISE_SCHEDULES).join(', '),
    });
  const schedule = NOISE_SCHEDULES[name];
  const draws = (count: number, rng: Rng): Draw[] =>
    noiseTimes(count, rng).map(t => {
      const share = hiddenShare(schedule, t);
      const hidden = [...answer.keys()].filter(() => rng.uniform() < share);
      return { hidden, weight: noiseWeight(schedule, t), sigma: schedule.total(t) };
    });
  return estimate(denoiser, prompt, answer, rest, draws, { guidance: 0, maskCounts: false });
}

async function estimate(
  denoiser: Denoiser,
  prompt: readonly number[],
  answer: readonly number[],
  options: LikelihoodOptions,
  draws: (count: number, rng: Rng) => Draw[],
  { guidance, maskCounts }: { guidance: number; maskCounts: boolean },
): Promise<LikelihoodEstimate> {
  const { samples, batchSize, seed, signal } = checked(denoiser, prompt, answer, options);
  const { maskId } = denoiser;
  const rng = createRng(seed);
  const means: number[] = [];
  let sum = 0;
  for (let done = 0; done < samples; done += batchSize) {
    const batch = draws(Math.min(batchSize, samples - done), rng);
    const canvas = new Canvas(denoiser, new Array<readonly number[]>(batch.length).fill(prompt), signal);
    batch.forEach(({ hidden }, b) => {
      const isHidden = new Set(hidden);
      canvas.texts[b]!.push(...answer.map((id, i) => (isHidden.has(i) ? maskId : id)));
    });
    const at = batch.map(({ hidden }) => hidden.map(i => prompt.length + i));
    const sigma = batch.map(draw => draw.sigma ?? 0);
    const scores = await canvas.scores(at, { sigma, guidance });
    const losses = batch.map(({ hidden, weight }, b) => {
      const nll = hidden.reduce((total, i, at) => {
        const logits = scores[b]![at]!;
        if (!maskCounts) logits[maskId] = Number.NEGATIVE_INFINITY;
        return total + logSumExp(logits) - logits[answer[i]!]!;
      }, 0);
      return nll * weight;
    });
    const total = losses.reduce((a, b) => a + b, 0);
    means.push(total / batch.length);
    sum += total;
  }
  const mean = sum / samples;
  return {
    logLikelihood: -mean,
    perplexity: Math.exp(mean / answer.length),
    standardError: means.length > 1 ? deviation(means) / Math.sqrt(means.length) : undefined,
    seed,
  };
}

/** Throws one `ConfigError` for everything that is wrong with the options, another for ids and lengths. */
function checked(
  { vocabSize, contextLength, maskId }: Denoiser,
  prompt: readonly number[],
  answer: readonly number[],
  options: LikelihoodOptions,
) {
  const { samples = 128, batchSize = 16, seed = randomSeed(), signal } = options;
  const known = ['samples', 'batchSize', 'seed', 'signal'];
  const problems = [
    ...Object.keys(options).flatMap(name => (known.includes(name) ? [] : [`${name} is no likelihood option`])),
    ...Object.entries({ samples, batchSize }).flatMap(([name, value]) =>
      Number.isSafeInteger(value) && value >= 1 ? [] : [`${name} = ${show(value)} is not a whole number of at least 1`],
    ),
    ...(Number.isSafeInteger(seed) ? [] : [`seed = ${show(seed)} is not a safe integer`]),
  ];
  if (problems.length > 0)
    throw new ConfigError(`likelihood options: ${problems.join('; ')}`, { where: 'likelihood options' });
  checkIds([maskId], vocabSize, 'maskId');
  checkIds(prompt, vocabSize, 'prompt');
  checkIds(answer, vocabSize, 'answer');
  if (answer.length === 0) throw new ConfigError('an empty answer has no likelihood', { expected: 'token ids' });
  if (answer.includes(maskId)) throw new ConfigError('the answer holds the mask token', { seen: `${maskId}` });
  const length = prompt.length + answer.length;
  if (length > (contextLength ?? length))
    throw new ConfigError('the text does not fit into the context window', {
      seen: `${length} tokens`,
      expected: `at most ${contextLength}`,
    });
  return { samples, batchSize, seed, signal };
}

/** `count` of the numbers below `n`, all choices equally likely, in rising order. */
function subset(n: number, count: number, rng: Rng): number[] {
  const numbers = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const other = i + rng.below(n - i);
    [numbers[i], numbers[other]] = [numbers[other]!, numbers[i]!];
  }
  return numbers.slice(0, count).sort((a, b) => a - b);
}

/** Standard deviation of a sample. */
function deviation(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
