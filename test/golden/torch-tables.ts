/** The reference's tables of formulas at real sizes: buckets, slopes, sinusoids, rotary frequencies and angles. */
import { alibiSlopes } from '../../src/nn/alibi.ts';
import { logBucket, relativeBucket } from '../../src/nn/relative-buckets.ts';
import {
  attentionFactor,
  inverseFrequencies,
  type RopeConfig,
  type RopeScaling,
  ropeTable,
} from '../../src/nn/rope.ts';
import { sinusoids } from '../../src/nn/sinusoids.ts';
import { Tensor } from '../../src/tensor/index.ts';
import { broken, type Check, compareFloats, compareIds, compareNumber, FLOAT_BOUND } from './compare.ts';
import { type GoldenFiles, readJson } from './golden-files.ts';
import { type Stored, type StoredTensors, storedTensors } from './torch-files.ts';

interface RopeCase {
  readonly head_dim: number;
  readonly rope_theta: number;
  readonly rope_scaling?: Record<string, unknown>;
  readonly attention_factor: number;
  readonly max_position_embeddings: number;
  readonly seq_len?: number;
  readonly positions_of_cos_sin: readonly number[];
}

/** Checks of `tables.json` and `tables.safetensors`. */
export async function* tableChecks(files: GoldenFiles, folder: string): AsyncGenerator<Check> {
  const tensors = await storedTensors(files, `${folder}/tables.safetensors`);
  const notes = (await readJson<Record<string, unknown>>(files, `${folder}/tables.json`)) ?? {};
  for (const [key, expected] of tensors) {
    const [name = key, ...settings] = key.split('/');
    const kind = KINDS[name];
    const rope = notes[`rope/${settings[0]}`] as RopeCase | undefined;
    if (kind) yield { name, part: settings.join(' '), ...kind(expected, key) };
    else if (rope && name === 'rope_inv_freq') yield* frequencyChecks(settings[0]!, rope, expected);
    else if (rope && name === 'rope_cos') yield* angleChecks(settings[0]!, rope, tensors);
    else if (!(rope && name === 'rope_sin')) yield broken(key, 'no rule for this table');
  }
}

type Outcome = Omit<Check, 'name' | 'part'>;
/** `buckets=32` in a tensor's name. */
function setting(key: string, name: string): string {
  return new RegExp(`${name}=(\\w+)`).exec(key)?.[1] ?? '';
}
const one = (values: ArrayLike<number>) => Array.from(values, v => [v]);

const KINDS: Readonly<Record<string, (expected: Stored, key: string) => Outcome>> = {
  t5_bucket({ data }, key) {
    const options = {
      bidirectional: setting(key, 'bidirectional') === 'True',
      buckets: Number(setting(key, 'buckets')),
      maxDistance: Number(setting(key, 'max')),
    };
    return compareIds(one(Array.from(data, (_, i) => relativeBucket(i - 400, options))), one(data));
  },
  deberta_bucket({ data }, key) {
    const [buckets, max] = [Number(setting(key, 'buckets')), Number(setting(key, 'max'))];
    return compareIds(one(Array.from(data, (_, i) => logBucket(i - 700, buckets, max))), one(data));
  },
  alibi_slopes: (expected, key) => compareFloats(alibiSlopes(Number(setting(key, 'heads'))), expected),
  sinusoid_half_sin_half_cos: expected => compareFloats(sinusoids(12, 16, { layout: 'halves' }), expected),
  sinusoid_interleaved: expected => compareFloats(sinusoids(40, 16, { layout: 'interleaved' }), expected),
};

function configOf({ head_dim, rope_theta, rope_scaling, max_position_embeddings }: RopeCase): RopeConfig {
  const scaling = { beta_fast: 32, beta_slow: 1, ...(rope_scaling ?? { rope_type: 'default' }) } as RopeScaling;
  return { dim: head_dim, theta: rope_theta, maxPositions: max_position_embeddings, scaling };
}

function* frequencyChecks(part: string, rope: RopeCase, expected: Stored): Generator<Check> {
  const config = configOf(rope);
  const found = inverseFrequencies(config, rope.seq_len ?? 0);
  // Of each frequency, not of the largest: the slow ones are what reaches far.
  const errors = found.map((f, i) => Math.abs(f / expected.data[i]! - 1));
  yield { name: 'rope frequencies', part, error: Math.max(...errors), bound: FLOAT_BOUND };
  yield {
    name: 'rope attention factor',
    part,
    ...compareNumber(attentionFactor(config.scaling), rope.attention_factor),
  };
}

/**
 * The table at positions up to 20,000. There the reference's angles are rounded to single precision, as are the
 * frequencies that they come from: each entry may be off by as much as that turns its angle, besides the usual bound.
 */
async function* angleChecks(part: string, rope: RopeCase, tensors: StoredTensors): AsyncGenerator<Check> {
  const config = configOf(rope);
  const positions = rope.positions_of_cos_sin;
  const span = rope.seq_len ?? 0;
  const { cos, sin } = ropeTable(config, {
    positions: Tensor.from(Int32Array.from(positions), [1, positions.length]),
    span,
  });
  const rounded = tensors.get(`rope_inv_freq/${part}`)!.data;
  const own = inverseFrequencies(config, span);
  const turned = positions.flatMap(position =>
    own.map((f, i) => position * (Math.abs(f - rounded[i]!) + f * 2 ** -23) * rope.attention_factor),
  );
  for (const [name, data] of Object.entries({ cos: await cos.data(), sin: await sin.data() })) {
    const expected = tensors.get(`rope_${name}/${part}`)!.data;
    const beyond = turned.map((turn, i) => Math.max(0, Math.abs(data[i]! - expected[i]!) - turn));
    yield { name: `rope ${name}`, part, error: Math.max(...beyond), bound: FLOAT_BOUND };
  }
}
