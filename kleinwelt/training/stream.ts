/**
 * Batches of rows that are made while training: no row is ever seen twice, and every batch is a function of the seed and its number,
 * so that a run can be entered anywhere.
 */
import { type Row, rowsOf } from '../../src/train/data/index.ts';
import type { Batches, PlacedBatch, Position } from '../../src/train/index.ts';
import type { Objective } from '../../src/train/objectives/index.ts';
import { createRng } from '../../src/util/rng.ts';
import { first, shuffled } from '../tasks/task.ts';

export type Fields = Readonly<Record<string, unknown>>;
/** Rows without end; equal seeds give equal rows. */
export type RowStream = (seed: number) => Iterable<Fields>;

export interface StreamOptions {
  readonly objective: Objective;
  readonly rows: RowStream;
  readonly batchSize: number;
  readonly seed: number;
  /** Ends after so many batches. Default: never. */
  readonly batches?: number | undefined;
}

/** Batches that are made together, and whose examples are sorted by length, which saves padding. */
const GROUP = 16;
/** Keeps the seeds of groups apart from those of other runs. */
const SEEDS = 1_000_003;

type AnyExample = ReturnType<Objective['encode']>[number];

/** Rows become examples, examples batches. Where the objective works on blocks, texts are laid end to end. */
export function streamBatches(options: StreamOptions): Batches {
  const { objective, seed, batches = Number.POSITIVE_INFINITY } = options;
  return {
    lossOf: objective.lossOf,
    async *from(position?: Position): AsyncGenerator<PlacedBatch> {
      for (let at = Number(position ?? 0); at < batches; ) {
        const group = Math.floor(at / GROUP);
        const made = groupOf(options, group);
        for (let i = at % GROUP; i < GROUP && at < batches; i++) {
          const examples = made[i]!;
          const rngs = examples.map((_, j) => createRng(seed, group, i, j));
          const partners = objective.drawsPartners ? made[(i + 1) % GROUP]! : undefined;
          yield { batch: objective.batch(examples, rngs, partners), next: ++at, epoch: 0 };
        }
      }
    },
  };
}

function groupOf({ objective, rows, batchSize, seed }: StreamOptions, group: number): AnyExample[][] {
  const wanted = GROUP * batchSize;
  const examples = (function* () {
    for (const row of rowsOf(rows(seed * SEEDS + group))) yield* objective.encode(row as Row);
  })();
  const all = objective.blockLength
    ? blocks(examples, objective.blockLength, wanted)
    : first(examples, wanted).sort((a, b) => lengthOf(a) - lengthOf(b));
  const sorted = Array.from({ length: GROUP }, (_, i) => all.slice(i * batchSize, (i + 1) * batchSize));
  return shuffled(sorted, createRng(seed, group));
}

const lengthOf = (example: AnyExample): number =>
  Object.values(example).reduce((n, column) => n + (column as ArrayLike<number>).length, 0);

/** Examples end to end, cut into blocks. Every block begins with an example, so that short contexts are learned, too. */
function blocks(examples: Iterable<AnyExample>, length: number, count: number): AnyExample[] {
  const made: Record<string, number[]>[] = [];
  let open: Record<string, number[]> | undefined;
  for (const example of examples) {
    open ??= Object.fromEntries(Object.keys(example).map(name => [name, []]));
    for (const [name, values] of Object.entries(example)) open[name]!.push(...Array.from(values as ArrayLike<number>));
    if (Object.values(open)[0]!.length < length) continue;
    made.push(Object.fromEntries(Object.entries(open).map(([name, values]) => [name, values.slice(0, length)])));
    open = undefined;
    if (made.length === count) break;
  }
  return made as unknown as AnyExample[];
}
