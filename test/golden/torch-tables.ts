/** The reference's tables of formulas at real sizes: buckets, slopes, sinusoids, rotary frequencies and angles. */
import { alibiSlopes } from '../../src/nn/alibi.ts';
import { logBucket, relativeBucket } from '../../src/nn/relative-buckets.ts';
import { attentionFactor, inverseFrequencies, type RopeConfig, type RopeScaling, ropeTable } from '../../src/nn/rope.ts';
import { sinusoids } from '../../src/nn/sinusoids.ts';
import { dataOfAll, Tensor } from '../../src/tensor/index.ts';
import { broken, type Check, compareFloats, compareIds, compareNumber, FLOAT_BOUND } from './compare.ts';
import { type GoldenFiles, readJson } from './golden-files.ts';
import { type Stored, storedTensors } from './torch-files.ts';

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
    else if (rope && name === 'rope_cos')
      yield* angleChecks(settings[0]!, rope, expected, tensors.get(`rope_sin/${settings[0]}`)!);
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
  yield { name: 'rope attention factor', part, ...compareNumber(attentionFactor(config.scaling), rope.attention_factor) };
}

/**
 * The reference multiplies position and frequency in single precision. Where that rounds the angle by less than the bound,
 * the table is compared as it is, and beyond that with the angles rounded as there.
 */
async function* angleChecks(part: string, rope: RopeCase, cos: Stored, sin: Stored): AsyncGenerator<Check> {
  const config = configOf(rope);
  const positions = rope.positions_of_cos_sin;
  const half = config.dim / 2;
  const table = ropeTable(config, {
    positions: Tensor.from([...positions], [1, positions.length], 'i32'),
    span: rope.seq_len ?? 0,
  });
  const [foundCos, foundSin] = await dataOfAll(table.cos, table.sin);
  const near = (i: number) => positions[Math.floor(i / half)]! < 512;
  yield { name: 'rope cos', part, ...compareFloats(foundCos!, cos, near) };
  yield { name: 'rope sin', part, ...compareFloats(foundSin!, sin, near) };
  const factor = attentionFactor(config.scaling);
  const frequencies = inverseFrequencies(config, rope.seq_len ?? 0).map(Math.fround);
  const angles = positions.flatMap(position => frequencies.map(f => Math.fround(position * f)));
  yield {
    name: 'rope cos, angles in single precision',
    part,
    ...compareFloats(angles.map(a => factor * Math.cos(a)), cos),
  };
  yield {
    name: 'rope sin, angles in single precision',
    part,
    ...compareFloats(angles.map(a => factor * Math.sin(a)), sin),
  };
}
