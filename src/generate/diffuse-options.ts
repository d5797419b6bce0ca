/** The settings of a diffusion: their meaning, their defaults, their checks. */

import { ConfigError } from '../errors.ts';
import { NOISE_SCHEDULES, type NoiseScheduleName } from '../nn/diffusion-loss.ts';
import { show } from './options.ts';

export interface DiffuseOptions {
  /**
   * Which hidden tokens a step finds: 'confidence' those that the network is surest of, as many in each step (LLaDA);
   * 'ancestral' each with the probability that the noise hid it since the step before (MDLM).
   */
  readonly sampler?: 'confidence' | 'ancestral' | undefined;
  /** Tokens to write after each prompt; 0 = only fill the masks that are in the prompts. */
  readonly genLength?: number | undefined;
  /** Default: as many as new tokens, so that each step finds one; of 'ancestral' 128, for each window. */
  readonly steps?: number | undefined;
  /** 0 takes the best token; above, tokens are drawn from softmax(logits / temperature). Default 0, of 'ancestral' 1. */
  readonly temperature?: number | undefined;
  /** Tokens that may not be written, such as the end token. */
  readonly suppressTokens?: readonly number[] | undefined;
  /**
   * Makes draws repeatable. Each prompt draws from a stream of its own, so what it becomes does not depend on the prompts
   * beside it; a list gives each prompt the seed it would have alone. Omitted: a random seed, reported in `done`.
   */
  readonly seed?: number | readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;

  /** Of 'confidence': tokens are found block by block from the left. Default: one block. Divides `genLength`. */
  readonly blockLength?: number | undefined;
  /** Of 'confidence': what decides which candidates stay hidden, a low probability or chance. */
  readonly remasking?: 'low_confidence' | 'random' | undefined;
  /** Of 'confidence': classifier-free guidance, 0 = off. The logits move away from those without the prompt. */
  readonly cfgScale?: number | undefined;
  /** Of 'confidence': tokens that are written only when nothing else is left in the block, such as end tokens. */
  readonly deferTokens?: readonly number[] | undefined;

  /** Of 'ancestral'. */
  readonly schedule?: NoiseScheduleName | undefined;
  /**
   * Of 'ancestral': what does not fit into the context window is written this many tokens at a time, after the newest
   * `contextLength - stride` tokens. Omitted: the whole text must fit.
   */
  readonly stride?: number | undefined;
}

const DEFAULTS = {
  sampler: 'confidence',
  genLength: 128,
  suppressTokens: [],
  remasking: 'low_confidence',
  cfgScale: 0,
  deferTokens: [],
  schedule: 'log-linear',
} satisfies DiffuseOptions;

type Filled = DiffuseOptions & {
  readonly [K in keyof typeof DEFAULTS]: Exclude<DiffuseOptions[K], undefined>;
};
/** Checked options with the defaults filled in. */
export type DiffuseSettings = Filled & {
  readonly steps: number;
  readonly temperature: number;
  readonly blockLength: number;
};

type Check = readonly [expected: string, accepts: (value: unknown) => boolean];
const whole =
  (from: number) =>
  (value: unknown): boolean =>
    Number.isSafeInteger(value) && (value as number) >= from;
const oneOf = (...words: string[]): Check => [
  words.map(w => `'${w}'`).join(' or '),
  value => words.includes(value as string),
];
const COUNT: Check = ['a whole number of at least 1', whole(1)];
const IDS: Check = ['a list of token ids', value => Array.isArray(value) && value.every(whole(0))];
const AMOUNT: Check = ['a finite number of at least 0', value => Number.isFinite(value) && (value as number) >= 0];

const CHECKS: { readonly [K in keyof Required<DiffuseOptions>]: Check } = {
  sampler: oneOf('confidence', 'ancestral'),
  genLength: ['a whole number of at least 0', whole(0)],
  steps: COUNT,
  temperature: AMOUNT,
  suppressTokens: IDS,
  seed: [
    'a safe integer or a list of them',
    value => Number.isSafeInteger(value) || (Array.isArray(value) && value.every(Number.isSafeInteger)),
  ],
  signal: ['an AbortSignal', value => typeof value === 'object' && value !== null && 'aborted' in value],
  blockLength: COUNT,
  remasking: oneOf('low_confidence', 'random'),
  cfgScale: AMOUNT,
  deferTokens: IDS,
  schedule: oneOf(...Object.keys(NOISE_SCHEDULES)),
  stride: COUNT,
};
const ONLY_OF: Readonly<Record<string, DiffuseOptions['sampler']>> = {
  blockLength: 'confidence',
  remasking: 'confidence',
  cfgScale: 'confidence',
  deferTokens: 'confidence',
  schedule: 'ancestral',
  stride: 'ancestral',
};

/** Checks options and fills in defaults. Throws one `ConfigError` that lists everything that is wrong. */
export function resolveDiffuseOptions(options: DiffuseOptions): DiffuseSettings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const problems = checkEach(given);
  const filled = { ...DEFAULTS, ...given } as Filled;
  const { sampler, genLength } = filled;
  const steps = filled.steps ?? (sampler === 'ancestral' || genLength === 0 ? 128 : genLength);
  // What is wrong by itself is not compared with the rest.
  if (problems.length === 0) {
    for (const name of Object.keys(given))
      if (ONLY_OF[name] && ONLY_OF[name] !== sampler)
        problems.push(`${name} means nothing to the sampler '${sampler}'`);
    const blocks = blocksOf(genLength, filled.blockLength);
    if (!Number.isInteger(blocks))
      problems.push(`blockLength = ${filled.blockLength} does not divide genLength = ${genLength}`);
    else if (steps % blocks !== 0) problems.push(`steps = ${steps} is not a multiple of the ${blocks} blocks`);
  }
  if (problems.length > 0)
    throw new ConfigError(`diffusion options: ${problems.join('; ')}`, { where: 'diffuse options' });
  return {
    ...filled,
    steps,
    temperature: filled.temperature ?? (sampler === 'ancestral' ? 1 : 0),
    blockLength: filled.blockLength ?? genLength,
  };
}

/** Number of blocks; a text without new tokens is one. */
export const blocksOf = (genLength: number, blockLength: number | undefined): number =>
  genLength === 0 || blockLength === undefined ? 1 : genLength / blockLength;

function checkEach(given: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(given).flatMap(([name, value]) => {
    if (!Object.hasOwn(CHECKS, name)) return [`${name} is no diffusion option`];
    const [expected, accepts] = CHECKS[name as keyof DiffuseOptions];
    return accepts(value) ? [] : [`${name} = ${show(value)} is not ${expected}`];
  });
}
