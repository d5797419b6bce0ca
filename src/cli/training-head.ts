/** Heads that a checkpoint may lack: which one an objective needs, and the classes that the data names. */
import { ConfigError } from '../errors.ts';
import { fileSource } from '../formats/index.ts';
import { type LoadOptions, modelFiles } from '../hub/load.ts';
import type { Model } from '../hub/model.ts';
import { belongsToHead } from '../hub/new-head.ts';
import { readJson } from '../hub/read-json.ts';
import type { HeadName } from '../models/architecture.ts';
import { type Row, readRows } from '../train/data/index.ts';
import type { Terminal } from './terminal.ts';
import type { ObjectiveName } from './training-objectives.ts';

/** Objectives that are learned on top of a model that was trained for something else; with the usual columns of their classes. */
const ON_TOP: Readonly<
  Partial<Record<ObjectiveName, { readonly head: HeadName; readonly columns: readonly string[] }>>
> = {
  classification: { head: 'sequenceClassification', columns: ['label'] },
  'token-classification': {
    head: 'tokenClassification',
    columns: ['ner_tags', 'pos_tags', 'chunk_tags', 'tags', 'labels'],
  },
  'question-answering': { head: 'questionAnswering', columns: [] },
};

export interface HeadRequest {
  readonly objective: ObjectiveName | undefined;
  readonly source: string;
  readonly data: readonly string[];
  /** Classes that were named. */
  readonly labels: readonly string[];
  /** What the column of the classes is called, if not as usual. */
  readonly labelColumn: string | undefined;
  readonly seed: number;
  readonly terminal: Pick<Terminal, 'env'>;
  readonly signal: AbortSignal;
}

/** How to load a model for an objective: with a head that begins at random where it has none. */
export async function headToLoad(request: HeadRequest): Promise<Pick<LoadOptions, 'head' | 'newHead'>> {
  const { objective, source, data, seed, terminal, signal } = request;
  const wanted = objective && ON_TOP[objective];
  if (!wanted) return {};
  const { head, columns } = wanted;
  if (columns.length === 0) return { head, newHead: { seed } };
  const config = await readJson(modelFiles(source, { env: terminal.env, signal }), 'config.json', signal);
  const known = Object.values((config?.id2label ?? {}) as Readonly<Record<string, string>>);
  const labels =
    request.labels.length > 0 ? request.labels : await labelsIn(data, request.labelColumn, columns, signal);
  const isKnown = (label: string) => known.includes(label) || (/^\d+$/.test(label) && Number(label) < known.length);
  return { head, newHead: { seed, ...(!labels.every(isKnown) && { labels }) } };
}

/** Modules of a head, which an adapter keeps whole: they are no part of the model that it is put on. */
export function modulesOfHead({ parts }: Model): readonly string[] {
  const { architecture, config, head, specs } = parts;
  const isOwn = belongsToHead(architecture, config, head);
  return [...new Set([...specs.keys()].filter(isOwn).map(name => name.slice(0, name.lastIndexOf('.'))))];
}

/** All classes of the data in order, numbers from 0 on. @throws ConfigError when no row names one */
async function labelsIn(
  paths: readonly string[],
  column: string | undefined,
  usual: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = new Set<string>();
  const labelOf = ({ fields }: Row) => fields[column ?? usual.find(name => fields[name] !== undefined) ?? usual[0]!];
  for (const path of paths) {
    const source = await fileSource(path);
    try {
      for await (const row of readRows(source)) {
        signal.throwIfAborted();
        for (const label of [labelOf(row)].flat()) if (label !== undefined && label !== null) found.add(String(label));
      }
    } finally {
      await source.close();
    }
  }
  if (found.size === 0)
    throw new ConfigError('no row of the data has a class', {
      expected: `a column ${column ?? usual.join(' or ')}`,
      fix: 'say what it is called: --column label=NAME',
      where: paths.join(', '),
    });
  const names = [...found];
  if (!names.every(name => /^\d+$/.test(name))) return names.sort();
  return Array.from({ length: 1 + Math.max(...names.map(Number)) }, (_, i) => String(i));
}
