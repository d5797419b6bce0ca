/**
 * A decoder without a model, for tests: logits are a function of the ids that the cache really holds, and every breach of
 * the session protocol throws. Logits handed out are spoilt at the next step, as the interface allows.
 */

import type { Decoder, DecodeSession } from '../../src/generate/decoder.ts';
import { createRng } from '../../src/util/rng.ts';

export interface TableDecoder extends Decoder {
  /** Sessions opened and not disposed. */
  readonly openSessions: number;
  /** What was asked of the sessions, in order, e.g. `open 2`, `step 2x5`, `reorder 0,0`. */
  readonly log: readonly string[];
}

export interface TableDecoderOptions {
  readonly vocabSize: number;
  readonly contextLength?: number | undefined;
  /** Logits [V] after a context of real ids, oldest first. */
  readonly logits: (context: readonly number[], prompt: number) => ArrayLike<number>;
  /** Runs before each step, e.g. to wait or to abort. */
  readonly beforeStep?: (() => Promise<void> | void) | undefined;
}

interface CacheRow {
  readonly prompt: number;
  readonly ids: readonly number[];
  readonly mask: readonly number[];
}

export function tableDecoder(options: TableDecoderOptions): TableDecoder {
  const { vocabSize, contextLength, logits, beforeStep } = options;
  const log: string[] = [];
  let openSessions = 0;

  const open = ({ batch, capacity }: { batch: number; capacity: number }): DecodeSession => {
    must(Number.isInteger(capacity) && capacity > 0, `capacity ${capacity}`);
    must(contextLength === undefined || capacity <= contextLength, `capacity ${capacity} above ${contextLength}`);
    log.push(`open ${batch}`);
    openSessions++;
    let rows: CacheRow[] = Array.from({ length: batch }, (_, prompt) => ({ prompt, ids: [], mask: [] }));
    let length = 0;
    let busy = false;
    let isOpen = true;
    let handedOut: Float32Array[] = [];
    const enter = () => {
      must(isOpen, 'used after dispose');
      must(!busy, 'used during a step');
    };

    const session: DecodeSession = {
      get length() {
        return length;
      },
      async stepAll(ids, signal) {
        const rows: Float32Array[][] = ids.map(() => []);
        for (let t = 0; t < ids[0]!.length; t++) {
          const logits = await session.step(
            ids.map(row => [row[t]!]),
            undefined,
            signal,
          );
          for (const [r, row] of logits.entries()) rows[r]!.push(row.slice());
        }
        log.splice(log.length - ids[0]!.length, ids[0]!.length, `all ${ids.length}x${ids[0]!.length}`);
        return rows;
      },
      async step(ids, mask, signal) {
        enter();
        busy = true;
        for (const array of handedOut) array.fill(Number.NaN);
        await beforeStep?.();
        signal?.throwIfAborted();
        const width = ids[0]?.length ?? 0;
        log.push(`step ${ids.length}x${width}`);
        must(ids.length === rows.length && ids.length > 0, `${ids.length} rows of ids for ${rows.length}`);
        must(width > 0 && length + width <= capacity, `${length} + ${width} positions of ${capacity}`);
        rows = rows.map((row, r) => {
          const added = ids[r]!;
          const real = mask ? mask[r]! : added.map(() => 1);
          must(
            added.length === width && real.length === width,
            `row ${r} has ${added.length} ids, ${real.length} mask`,
          );
          const joined = [...row.mask, ...real];
          must(joined.lastIndexOf(0) < joined.indexOf(1), `row ${r} is not left-padded: ${joined}`);
          must(
            added.every(id => Number.isInteger(id) && id >= 0 && id < vocabSize),
            `ids ${added}`,
          );
          return { prompt: row.prompt, ids: [...row.ids, ...added], mask: joined };
        });
        length += width;
        handedOut = rows.map(row => {
          const context = row.ids.filter((_, at) => row.mask[at] === 1);
          return Float32Array.from(logits(context, row.prompt));
        });
        busy = false;
        return [...handedOut];
      },
      async reorder(parents) {
        enter();
        log.push(`reorder ${parents}`);
        rows = parents.map(parent => {
          must(rows[parent] !== undefined, `parent ${parent} of ${rows.length} rows`);
          return rows[parent]!;
        });
      },
      trim(to) {
        enter();
        must(to >= 0 && to <= length, `trim to ${to} of ${length}`);
        length = to;
        rows = rows.map(row => ({ ...row, ids: row.ids.slice(0, to), mask: row.mask.slice(0, to) }));
      },
      dispose() {
        must(isOpen, 'disposed twice');
        isOpen = false;
        openSessions--;
      },
    };
    return session;
  };

  return {
    vocabSize,
    contextLength,
    open,
    log,
    get openSessions() {
      return openSessions;
    },
  };
}

/** Logits from random numbers that depend on the whole context, so that any mistake in a cache shows. */
export function randomLogits(seed: number, vocabSize: number, spread = 3) {
  return (context: readonly number[]): number[] => {
    const rng = createRng(seed, ...context);
    return Array.from({ length: vocabSize }, () => Math.fround((rng.uniform() - 0.5) * 2 * spread));
  };
}

/** Logits that depend on the last id only: row `last` of `table` [V][V]. */
export function bigramLogits(table: readonly (readonly number[])[]) {
  return (context: readonly number[]): readonly number[] => table[context.at(-1)!]!;
}

function must(condition: boolean, breach: string): asserts condition {
  if (!condition) throw new Error(`session protocol: ${breach}`);
}
