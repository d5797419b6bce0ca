/** A look at data before a model is trained on it: what is empty, twice there, uneven or too long; as numbers and in words. */
import type { Tokenizer } from '../../tokenizers/index.ts';
import type { Objective } from '../objectives/objective.ts';
import { hashTable } from './hash-table.ts';
import type { Row, Rows } from './row.ts';
import { textHash } from './text-hash.ts';

export interface LengthBin {
  /** Tokens, `[from, to)`. */
  readonly from: number;
  readonly to: number;
  readonly rows: number;
}
export interface PartReport {
  readonly rows: number;
  /** Rows without text. */
  readonly empty: number;
  /** Rows whose texts another row of the part has too. */
  readonly repeated: number;
  /** Tokens of rows, each bin twice as wide as the one before. */
  readonly lengths: readonly LengthBin[];
  readonly meanLength: number;
  readonly longest: number;
  /** Rows longer than the objective's `maxLength`, which lose tokens. */
  readonly cut: number;
  /** Rows of each label; undefined where there are none. */
  readonly labels: Readonly<Record<string, number>> | undefined;
}
export interface DataReport {
  readonly parts: Readonly<Record<string, PartReport>>;
  /** Rows of a part whose texts stand in an earlier part too. */
  readonly shared: readonly {
    readonly part: string;
    readonly with: string;
    readonly rows: number;
    readonly first: string;
  }[];
  /** What should be looked at, the worst first. Empty when all is well. */
  readonly findings: readonly { readonly severity: 'error' | 'warning'; readonly text: string }[];
}

/** Above these shares there is a finding. */
const MUCH = { empty: 0.01, repeated: 0.05, cut: 0.1 } as const;
/** A label with less than this part of the most frequent one's rows is rare. */
const RARE = 0.1;

/**
 * Reads all parts once, one after the other. Memory grows by 20 to 40 bytes per row.
 * @throws what the rows and the objective throw, the signal's reason when aborted
 */
export async function checkData(
  parts: Readonly<Record<string, Rows>>,
  objective: Pick<Objective, 'texts' | 'label' | 'maxLength'>,
  { tokenizer, signal }: { readonly tokenizer: Tokenizer; readonly signal?: AbortSignal | undefined },
): Promise<DataReport> {
  const names = Object.keys(parts);
  const seen = hashTable();
  const reports: Record<string, PartReport> = {};
  const shared = new Map<string, { part: string; with: string; rows: number; first: string }>();
  for (const [i, part] of names.entries()) {
    const counter = partCounter(objective, tokenizer);
    for await (const row of parts[part]!) {
      signal?.throwIfAborted();
      const hash = counter.add(row);
      if (hash === undefined) continue;
      const earlier = seen.firstOf(hash, i);
      if (earlier === i) counter.repeat();
      else if (earlier !== undefined) {
        const other = names[earlier]!;
        const pair = shared.get(`${part}\0${other}`) ?? { part, with: other, rows: 0, first: row.where };
        shared.set(`${part}\0${other}`, { ...pair, rows: pair.rows + 1 });
      }
    }
    reports[part] = counter.report();
  }
  const report = { parts: reports, shared: [...shared.values()] };
  return { ...report, findings: findings(report, objective.maxLength) };
}

function partCounter(objective: Pick<Objective, 'texts' | 'label' | 'maxLength'>, tokenizer: Tokenizer) {
  let [rows, empty, repeated, tokens, longest, cut] = [0, 0, 0, 0, 0, 0];
  const bins: number[] = [];
  const labels = new Map<string, number>();
  return {
    repeat: () => void repeated++,
    /** A hash of the row's texts; undefined for an empty one. */
    add(row: Row): number | undefined {
      rows++;
      const texts = objective.texts(row);
      if (texts.every(text => text.trim() === '')) {
        empty++;
        return undefined;
      }
      const label = objective.label?.(row);
      if (label !== undefined) labels.set(label, (labels.get(label) ?? 0) + 1);
      const [first, pair] = texts;
      const length = tokenizer.encodeIds(first!, pair === undefined ? {} : { pair }).length;
      tokens += length;
      longest = Math.max(longest, length);
      if (length > (objective.maxLength ?? Number.POSITIVE_INFINITY)) cut++;
      const bin = Math.floor(Math.log2(Math.max(1, length)));
      while (bins.length <= bin) bins.push(0);
      bins[bin]!++;
      return textHash(texts.join('\0'));
    },
    report: (): PartReport => ({
      ...{ rows, empty, repeated, longest, cut },
      lengths: bins.map((count, i) => ({ from: i === 0 ? 0 : 2 ** i, to: 2 ** (i + 1), rows: count })),
      meanLength: rows > empty ? tokens / (rows - empty) : 0,
      labels: labels.size > 0 ? Object.fromEntries(labels) : undefined,
    }),
  };
}

function findings(
  { parts, shared }: Pick<DataReport, 'parts' | 'shared'>,
  maxLength: number | undefined,
): DataReport['findings'] {
  const errors: string[] = [];
  const warnings: string[] = [];
  for (const { part, with: other, rows, first } of shared)
    errors.push(
      `${rows} of ${parts[part]!.rows} rows in ${part} stand in ${other} too, the first is ${first}: what is measured on them is memory. Split by content, or take them out.`,
    );
  for (const [part, { rows, empty, repeated, cut, labels }] of Object.entries(parts)) {
    const share = (count: number) => `${count} of ${rows} rows in ${part} (${percent(count / rows)})`;
    if (rows === empty) {
      errors.push(`${part} has no rows with text. Check the file and the names of its columns.`);
      continue;
    }
    if (empty > rows * MUCH.empty) warnings.push(`${share(empty)} are empty and are left out.`);
    if (repeated > rows * MUCH.repeated)
      warnings.push(`${share(repeated)} repeat another one and count that much more.`);
    if (cut > rows * MUCH.cut)
      warnings.push(
        `${share(cut)} are longer than ${maxLength} tokens and lose their end. Use a longer context, or cut them up.`,
      );
    const counts = Object.entries(labels ?? {});
    const most = counts.reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0] as [string, number]);
    const rare = counts.filter(([, count]) => count < most[1] * RARE).map(([label, count]) => `${label} (${count})`);
    if (rare.length > 0)
      warnings.push(
        `Labels in ${part} are uneven: ${most[0]} has ${most[1]} rows, rare are ${rare.slice(0, 10).join(', ')}. Look at each class by itself, not at the share of right answers alone.`,
      );
    if (counts.length === 1 && rows > 1)
      errors.push(`All rows in ${part} have the label ${counts[0]![0]}: nothing can be learned.`);
  }
  return [
    ...errors.map(text => ({ severity: 'error' as const, text })),
    ...warnings.map(text => ({ severity: 'warning' as const, text })),
  ];
}
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
