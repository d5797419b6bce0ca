/**
 * WEAT (Caliskan, Bryson & Narayanan 2017, "Semantics derived automatically from language corpora contain human-like biases"):
 * are the words of one set nearer to some attributes than those of another? SEAT (May et al. 2019, "On Measuring Social Biases in
 * Sentence Encoders") asks the same of sentences: around the words of a list, or in files of the same form. Numbers are those
 * of May et al.'s program: sample standard deviation, and a test in which partitions that are as extreme count too.
 */
import { ConfigError, FormatError } from '../../errors.ts';
import type { Tensor } from '../../tensor/index.ts';
import { createRng } from '../../util/rng.ts';
import { brief, type DataRows, listIn, objectIn } from '../data-row.ts';

export interface WordSet {
  readonly category: string;
  /** Words, or sentences. */
  readonly examples: readonly string[];
}
/** Two sets of targets, and two of attributes that they are compared by. */
export interface WeatTest {
  readonly targets: readonly [WordSet, WordSet];
  readonly attributes: readonly [WordSet, WordSet];
}
/** A vector for each text: the hub's `Model` is one. */
export interface Embedder {
  /** `[B, C]` */
  embed(texts: readonly string[]): Promise<Tensor>;
}
type Vectors = readonly ArrayLike<number>[];

export interface WeatOptions {
  /** Partitions that are looked at: all of them where there are no more, else so many are drawn. Default 100,000. */
  readonly samples?: number | undefined;
  /** Of the draws. Default 0. */
  readonly seed?: number | undefined;
}
export interface WeatResult {
  /** Cohen's d: difference of the means over the sample standard deviation of all targets. From -2 to 2; NaN where all are alike. */
  readonly effectSize: number;
  /** Sum of the associations of the first targets less that of the second. */
  readonly statistic: number;
  /** One-sided: the share of partitions of the targets whose statistic is at least as large. */
  readonly p: number;
  /** Whether all partitions were looked at. */
  readonly exact: boolean;
  /** How many were; of draws the observed partition is one. */
  readonly partitions: number;
}

/** Equal up to rounding: the same associations summed in another order. */
const ROUNDING = 1e-12;

/**
 * The test on vectors, all of one width.
 * @throws ConfigError for empty sets, vectors of other widths or of no length, options that cannot be
 */
export function weat(
  targets: readonly [Vectors, Vectors],
  attributes: readonly [Vectors, Vectors],
  { samples = 100_000, seed = 0 }: WeatOptions = {},
): WeatResult {
  if (!(Number.isSafeInteger(samples) && samples >= 2))
    throw new ConfigError('samples is no number of partitions', { seen: `${samples}`, expected: 'at least 2' });
  checkVectors([...targets, ...attributes]);
  const [a, b] = attributes.map(set => set.map(unit)) as [Float64Array[], Float64Array[]];
  const associations = targets.map(set =>
    set.map(vector => {
      const w = unit(vector);
      return mean(a.map(other => dot(w, other))) - mean(b.map(other => dot(w, other)));
    }),
  ) as [number[], number[]];
  const all = associations.flat();
  const center = mean(all);
  const deviation = Math.sqrt(all.reduce((sum, s) => sum + (s - center) ** 2, 0) / (all.length - 1));
  const [first, second] = associations;
  return {
    effectSize: (mean(first) - mean(second)) / deviation,
    statistic: sum(first) - sum(second),
    ...permutationTest(all, first.length, samples, seed),
  };
}

/**
 * The test on a model's vectors of words or sentences.
 * @param options.template a sentence around each word, with `{}` in its place, such as `This is {}.`
 * @throws ConfigError as `weat` does, and for a template without a place
 */
export async function weatOf(
  model: Embedder,
  { targets, attributes }: WeatTest,
  { template = '{}', ...options }: WeatOptions & { readonly template?: string | undefined } = {},
): Promise<WeatResult> {
  if (!template.includes('{}'))
    throw new ConfigError('the template has no place for a word', { seen: template, expected: 'This is {}.' });
  const vectorsOf = async ({ examples }: WordSet): Promise<Vectors> => {
    const tensor = await model.embed(examples.map(word => template.replaceAll('{}', () => word)));
    const [data, width] = [await tensor.data(), tensor.dim(1)];
    return examples.map((_, i) => data.subarray(i * width, (i + 1) * width));
  };
  const [[x, y], [a, b]] = [targets, attributes];
  return weat([await vectorsOf(x), await vectorsOf(y)], [await vectorsOf(a), await vectorsOf(b)], options);
}

/**
 * A test from a parsed file of May et al.: `targ1`, `targ2`, `attr1`, `attr2`, each a category and its examples.
 * @throws FormatError saying what is missing
 */
export function readWeat(json: unknown, name = 'WEAT'): WeatTest {
  const file = objectIn(json, name);
  const set = (key: string): WordSet => {
    const where = `${name}, ${key}`;
    const { category, examples } = objectIn(file[key], where);
    const words = listIn(examples, `${where}, examples`);
    if (typeof category !== 'string' || words.length === 0 || !words.every(word => typeof word === 'string'))
      throw new FormatError('a set is a category and its examples', { seen: brief(file[key]), where });
    return { category, examples: words };
  };
  return { targets: [set('targ1'), set('targ2')], attributes: [set('attr1'), set('attr2')] };
}

/**
 * The dictionary of XWEAT (Lauscher & Glavaš 2019) from rows of a table without a head: English, German, and if it differs the
 * German feminine. `readCsv(source, { columns: ['english', 'german', 'feminine'] })` reads the file.
 */
export async function readWeatDictionary(rows: DataRows): Promise<Map<string, readonly string[]>> {
  const dictionary = new Map<string, readonly string[]>();
  for await (const { fields } of rows) {
    const [english, ...german] = Object.values(fields).map(value => (typeof value === 'string' ? value.trim() : ''));
    const forms = german.filter(form => form !== '');
    if (english && forms.length) dictionary.set(english.toLowerCase(), forms);
  }
  return dictionary;
}

/**
 * A test in the dictionary's language; names and other words that it lacks stay as they are where `keep` says so, else they are
 * left out.
 * @throws ConfigError when a set has no word left
 */
export function translateWeat(
  test: WeatTest,
  dictionary: ReadonlyMap<string, readonly string[]>,
  { keep = false }: { readonly keep?: boolean | undefined } = {},
): WeatTest {
  const set = ({ category, examples }: WordSet): WordSet => {
    const words = examples.flatMap(word => dictionary.get(word.toLowerCase()) ?? (keep ? [word] : []));
    if (words.length) return { category, examples: words };
    throw new ConfigError('the dictionary has none of the words of a set', { seen: category });
  };
  const [[x, y], [a, b]] = [test.targets, test.attributes];
  return { targets: [set(x), set(y)], attributes: [set(a), set(b)] };
}

// ---- the permutation test
/** With the total given, the sum of the first set alone says how extreme a partition is. */
function permutationTest(all: readonly number[], size: number, samples: number, seed: number) {
  const observed = sum(all.slice(0, size));
  const least = observed - ROUNDING * all.reduce((total, s) => total + Math.abs(s), 0);
  if (binomial(all.length, size) <= samples) {
    let [extreme, partitions] = [0, 0];
    forEachSum(all, size, value => {
      partitions++;
      if (value >= least) extreme++;
    });
    return { p: extreme / partitions, exact: true, partitions };
  }
  // The observed partition counts as one of the draws, so that no p is 0.
  let extreme = 1;
  const rng = createRng(seed);
  const order = [...all];
  for (let draw = 1; draw < samples; draw++) {
    let value = 0;
    for (let i = 0; i < size; i++) {
      const j = i + rng.below(order.length - i);
      [order[i], order[j]] = [order[j]!, order[i]!];
      value += order[i]!;
    }
    if (value >= least) extreme++;
  }
  return { p: extreme / samples, exact: false, partitions: samples };
}

/** The sum of every choice of `size` of the values. */
function forEachSum(values: readonly number[], size: number, visit: (sum: number) => void): void {
  const choose = (from: number, left: number, sum: number): void => {
    if (left === 0) visit(sum);
    else for (let i = from; i <= values.length - left; i++) choose(i + 1, left - 1, sum + values[i]!);
  };
  choose(0, size, 0);
}

function binomial(n: number, k: number): number {
  let ways = 1;
  for (let i = 1; i <= k; i++) ways = (ways * (n - k + i)) / i;
  return Math.round(ways);
}

// ---- vectors
function checkVectors(sets: readonly Vectors[]): void {
  const width = sets[0]?.[0]?.length ?? 0;
  for (const set of sets) {
    if (set.length === 0) throw new ConfigError('a set of WEAT is empty', { expected: 'at least one vector' });
    for (const vector of set) {
      const norm = Math.sqrt(Array.from(vector).reduce((total, x) => total + x * x, 0));
      if (vector.length !== width || !(norm > 0) || !Number.isFinite(norm))
        throw new ConfigError('a vector of WEAT has no direction or another width', {
          seen: `${vector.length} features, length ${norm}`,
          expected: `${width} features`,
        });
    }
  }
}
function unit(vector: ArrayLike<number>): Float64Array {
  const copy = Float64Array.from(vector);
  const norm = Math.sqrt(dot(copy, copy));
  return copy.map(x => x / norm);
}
function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}
const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
