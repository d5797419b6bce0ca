/** From examples on disk to batches in a random order that a resumed run enters where it left. */
import { ConfigError } from '../../errors.ts';
import { createRng } from '../../util/rng.ts';
import type { Batches, PlacedBatch, Position } from '../batch.ts';
import type { Objective } from '../objectives/objective.ts';
import type { Dataset } from './dataset.ts';
import { type PackedOptions, packed } from './packed.ts';
import { permutation } from './permutation.ts';

export interface BatchesOptions<C extends string> extends PackedOptions {
  readonly data: Dataset<C>;
  readonly objective: Objective<C>;
  /** Examples in a batch. */
  readonly batchSize: number;
  /** Order and everything that the objective draws. Default 0. */
  readonly seed?: number | undefined;
  /** Another order in every epoch. Default true; false: that of the data. */
  readonly shuffle?: boolean | undefined;
  /** Examples of like lengths together, which saves padding: batches of 50 batches' examples sorted by length. Default false. */
  readonly groupByLength?: boolean | undefined;
  /** An epoch's last batch is left out if it is smaller. Default false. */
  readonly dropLast?: boolean | undefined;
  /** Ends after so many. Default: never. For validation 1, without shuffling. */
  readonly epochs?: number | undefined;
}
/** Batches that are sorted together; the reference's number. */
const GROUPED_BATCHES = 50;
/** Streams of the seed. */
const [ORDER, EXAMPLE, PARTNER, GROUP] = [1, 2, 3, 4];

/**
 * Batches of an objective. A position is the epoch, the number of its examples that were used, and what their order depends on; so
 * a resumed run may have another batch size, unless it groups by length. What an example looks like depends on the seed, the epoch
 * and the example alone.
 * @throws ConfigError for options that cannot be, and in `from` for a position in other data or another order
 */
export function batches<C extends string>(options: BatchesOptions<C>): Batches {
  const { objective, batchSize, seed = 0, shuffle = true, groupByLength = false, dropLast = false } = options;
  const { epochs = Number.POSITIVE_INFINITY } = options;
  for (const name of ['stride', 'from', 'to'] as const)
    if (options[name] !== undefined && objective.blockLength === undefined)
      throw new ConfigError(`${name} is for data that is cut into blocks`, {
        seen: `${options[name]}`,
        where: objective.name,
      });
  const data = objective.blockLength ? packed(options.data, objective.blockLength, options) : options.data;
  for (const [name, value] of Object.entries({ batchSize, epochs }))
    if (!((Number.isSafeInteger(value) && value >= 1) || (name === 'epochs' && value === Number.POSITIVE_INFINITY)))
      throw new ConfigError(`${name} is a whole number from 1`, { seen: `${value}` });
  if (objective.drawsPartners && data.length < 2)
    throw new ConfigError('each example needs another one', { seen: '1 example', where: objective.name });
  const used = dropLast ? data.length - (data.length % batchSize) : data.length;
  if (used === 0)
    throw new ConfigError('no batch is full', {
      seen: `${data.length} examples, batches of ${batchSize}`,
      fix: 'use smaller batches, or keep the last one: dropLast false',
    });

  const basis: Basis = { examples: data.length, seed, shuffle, groupedBy: groupByLength ? batchSize : null };
  const orderOf = (epoch: number): ((places: readonly number[]) => Promise<readonly number[]>) => {
    const shuffled = shuffle ? permutation(data.length, seed, ORDER, epoch) : (place: number) => place;
    if (!groupByLength) return async places => places.map(shuffled);
    const size = batchSize * GROUPED_BATCHES;
    let [current, sorted]: [number, readonly number[]] = [-1, []];
    return async places => {
      const group = Math.floor(places[0]! / size);
      if (group !== current) {
        const start = group * size;
        const members = Array.from({ length: Math.min(size, data.length - start) }, (_, i) => shuffled(start + i));
        sorted = await byLength(data, members, batchSize, shuffle ? [seed, GROUP, epoch, group] : undefined);
        current = group;
      }
      return places.map(place => sorted[place - group * size]!);
    };
  };

  return {
    length: Math.ceil(used / batchSize),
    lossOf: objective.lossOf,
    async *from(position?: Position): AsyncGenerator<PlacedBatch> {
      let { epoch, example } = placeOf(position, basis);
      for (; epoch < epochs; epoch++, example = 0) {
        const order = orderOf(epoch);
        while (example < used) {
          const end = Math.min(example + batchSize, used);
          const ids = await order(Array.from({ length: end - example }, (_, i) => example + i));
          const examples = await data.get(ids);
          const rngs = ids.map(id => createRng(seed, EXAMPLE, epoch, id));
          const batch = objective.drawsPartners
            ? objective.batch(examples, rngs, await data.get(ids.map(id => partnerOf(id, data.length, seed, epoch))))
            : objective.batch(examples, rngs);
          const last = end >= used;
          const next = { epoch: last ? epoch + 1 : epoch, example: last ? 0 : end, ...basis };
          yield { batch, next, epoch };
          example = end;
        }
      }
    },
  };
}

/** Another example, each of them alike. */
function partnerOf(id: number, length: number, seed: number, epoch: number): number {
  const drawn = Math.floor(createRng(seed, PARTNER, epoch, id).uniform() * (length - 1));
  return drawn < id ? drawn : drawn + 1;
}

/** Examples sorted into batches of like lengths; the batches are shuffled, but a smaller one stays the last. */
async function byLength(
  data: Dataset,
  members: readonly number[],
  batchSize: number,
  streams: readonly [number, ...number[]] | undefined,
): Promise<number[]> {
  const lengths = await data.lengths(members);
  const sorted = Array.from(members.keys()).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const full = Math.floor(sorted.length / batchSize);
  const place = streams && full > 0 ? permutation(full, ...streams) : (i: number) => i;
  const chosen = Array.from({ length: full }, (_, i) => place(i)).flatMap(i =>
    sorted.slice(i * batchSize, (i + 1) * batchSize),
  );
  return [...chosen, ...sorted.slice(full * batchSize)].map(i => members[i]!);
}

/** What the order of examples depends on. */
type Basis = Readonly<Record<'examples' | 'seed' | 'shuffle' | 'groupedBy', number | boolean | null>>;

function placeOf(position: Position | undefined, basis: Basis): { epoch: number; example: number } {
  if (position === undefined || position === null) return { epoch: 0, example: 0 };
  const { epoch, example, ...before } = position as Readonly<Record<string, Position>>;
  const isCount = (n: Position | undefined): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!isCount(epoch) || !isCount(example) || example >= Number(before.examples))
    throw new ConfigError('not a position in this data', {
      seen: JSON.stringify(position),
      expected: '{ epoch, example, ... }',
    });
  const other = (Object.keys(basis) as (keyof Basis)[]).filter(name => before[name] !== basis[name]);
  if (other.length > 0)
    throw new ConfigError('the position is one in other data, or in another order', {
      seen: other.map(name => `${name}: ${before[name]} then, ${basis[name]} now`).join(', '),
      fix: 'resume with the data, the seed and the order that the run began with, grouped by length with the batch size too',
    });
  return { epoch, example };
}
