/** What `heed heads` lets a model read: a treebank, lines of text, pairs of texts, or with nothing given a few sentences. */
import { ConfigError } from '../errors.ts';
import {
  type ConlluSentence,
  type CorpusRow,
  readConllu,
  repeatedRows,
  textRow,
  treebankRows,
} from '../explain/index.ts';
import type { Model } from '../hub/model.ts';

/** Simple sentences of both languages in which words come back. */
const OWN_TEXTS: readonly string[] = [
  'The dog chases the cat, and the cat climbs the old tree.',
  'Anna gives her brother a red apple because he is hungry.',
  'When the rain stopped, the children ran into the garden and the dog ran after the children.',
  'The teacher who reads the letters opens the window every morning.',
  'Der Hund jagt die Katze, und die Katze klettert auf den alten Baum.',
  'Anna gibt ihrem Bruder einen roten Apfel, weil er Hunger hat.',
  'Als der Regen aufhörte, liefen die Kinder in den Garten, und der Hund lief den Kindern nach.',
  'Die Lehrerin, die die Briefe liest, macht jeden Morgen das Fenster auf.',
];

export interface HeadsCorpus {
  readonly rows: readonly CorpusRow[];
  /** The rows have words and relations. */
  readonly annotated: boolean;
  /** The first text, where it is one. */
  readonly text: string | undefined;
}
export interface HeadsCorpusOptions {
  readonly relations: readonly string[] | undefined;
  /** Most sentences or lines. */
  readonly limit: number;
  readonly maxTokens: number | undefined;
}

/**
 * The rows of a file: `.conllu`, or lines of text; in each line a tab parts what an encoder reads from what its decoder does.
 * @throws ConfigError for a file without a text
 */
export async function readHeadsCorpus(
  model: Model,
  path: string,
  { relations, limit, maxTokens }: HeadsCorpusOptions,
): Promise<HeadsCorpus> {
  const { readFile } = await import('node:fs/promises');
  const content = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ConfigError('the corpus cannot be read', { seen: path, cause });
  });
  if (/\.conllu$/i.test(path)) {
    const sentences: ConlluSentence[] = [];
    for (const sentence of readConllu(content, path)) {
      sentences.push(sentence);
      if (sentences.length === limit) break;
    }
    if (sentences.length === 0) throw new ConfigError('a corpus without a sentence', { seen: path });
    const acrossSentences =
      (relations ?? ['antecedent']).includes('antecedent') &&
      sentences.some(({ words }) => words.some(({ misc }) => misc.Antecedent !== undefined));
    const unit = acrossSentences ? 'document' : 'sentence';
    const rows = [...treebankRows(model, sentences, { relations, unit, maxTokens })];
    return { rows, annotated: true, text: sentences[0]!.text };
  }
  const lines = content
    .split(/\r?\n/)
    .filter(line => line.trim() !== '')
    .slice(0, limit);
  if (lines.length === 0) throw new ConfigError('a corpus without a text', { seen: path });
  const rows = lines.map(line => {
    const [text, target] = line.split('\t');
    return textRow(model, text!, { target, maxTokens });
  });
  return { rows, annotated: false, text: lines[0]!.split('\t')[0] };
}

/** A few sentences; for a model that reads no text random tokens, each row twice the same. */
export function ownCorpus(model: Model): HeadsCorpus {
  if (!model.parts.tokenizer) return { rows: repeatedRows(model).rows, annotated: false, text: undefined };
  return { rows: OWN_TEXTS.map(text => textRow(model, text)), annotated: false, text: OWN_TEXTS[0] };
}
