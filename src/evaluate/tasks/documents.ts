/** Items of data sets in the forms in which they are published, as rows with the columns of the reference's loaders. */
import { ConfigError, FormatError } from '../../errors.ts';
import { readStereoSet } from '../bias/index.ts';
import { listIn, objectIn } from '../data-row.ts';
import type { Doc } from './prompts.ts';

/**
 * Rows of a parsed JSON file: a list of objects, or one below `field`.
 * @throws FormatError for another form
 */
export function jsonDocs(json: unknown, where: string, field?: string): readonly Doc[] {
  const value = field === undefined ? json : objectIn(json, where)[field];
  // A file of one test, such as WEAT's, is one row.
  if (field === undefined && !Array.isArray(value)) return [objectIn(value, where)];
  return listIn(value, where).map((row, i) => objectIn(row, `${where}, row ${i}`));
}

/**
 * Questions of a file in SQuAD's form (XQuAD, MLQA, GermanQuAD): `id`, `title`, `context`, `question`, and `answers` with the
 * texts of the right ones.
 * @throws FormatError for another form
 */
export function squadDocs(json: unknown, where: string): readonly Doc[] {
  return listIn(objectIn(json, where).data, `${where}, data`).flatMap((each, a) => {
    const article = objectIn(each, `${where}, article ${a}`);
    return listIn(article.paragraphs, `${where}, article ${a}`).flatMap((part, p) => {
      const at = `${where}, article ${a}, paragraph ${p}`;
      const { context, qas } = objectIn(part, at);
      return listIn(qas, at).map(question => {
        const { id, question: text, answers = [] } = objectIn(question, at);
        const right = listIn(answers, at).map(answer => objectIn(answer, at).text);
        if (typeof context !== 'string' || typeof text !== 'string')
          throw new FormatError('a question without a text or a context', { where: at });
        return { id, title: article.title, context, question: text, answers: right };
      });
    });
  });
}

/** Examples of StereoSet. @throws FormatError for another form */
export const stereoSetDocs = (json: unknown, where: string): readonly Doc[] =>
  readStereoSet(json, where).map(item => ({ ...item }));

export interface ConllOptions {
  /** The number of the column with the words; default the first. Negative numbers count from the last. */
  readonly tokenColumn?: number | undefined;
  /** Of the column with the tags; default the last. */
  readonly tagColumn?: number | undefined;
}

/**
 * Sentences of a file with a word in a line and empty lines between them (CoNLL, GermEval, WNUT): `tokens` and `tags`. Lines that
 * begin with `#` and a tab or a space are notes.
 * @throws FormatError for a line without such columns
 */
export async function* conllDocs(
  lines: Iterable<string> | AsyncIterable<string>,
  where: string,
  { tokenColumn = 0, tagColumn = -1 }: ConllOptions = {},
): AsyncGenerator<Doc> {
  let [tokens, tags, number]: [string[], string[], number] = [[], [], 0];
  for await (const line of lines) {
    number++;
    if (line.trim() === '') {
      if (tokens.length) yield { tokens, tags };
      [tokens, tags] = [[], []];
      continue;
    }
    if (/^#[\t ]/.test(line)) continue;
    const columns = line.includes('\t') ? line.split('\t') : line.trim().split(/ +/);
    const [token, tag] = [columns.at(tokenColumn), columns.at(tagColumn)];
    if (columns.length < 2 || !token || !tag)
      throw new FormatError('a line without a word and a tag', {
        seen: line.slice(0, 60),
        expected: `columns ${tokenColumn} and ${tagColumn}`,
        where: `${where}, line ${number}`,
      });
    tokens.push(token);
    tags.push(tag);
  }
  if (tokens.length) yield { tokens, tags };
}

/**
 * Lines of two files that belong together (translations): `source` and `target`.
 * @throws ConfigError when one file has more lines
 */
export async function* parallelDocs(
  source: AsyncIterable<string>,
  target: AsyncIterable<string>,
  where: string,
): AsyncGenerator<Doc> {
  const [a, b] = [source[Symbol.asyncIterator](), target[Symbol.asyncIterator]()];
  try {
    for (let line = 1; ; line++) {
      const [left, right] = await Promise.all([a.next(), b.next()]);
      if (left.done && right.done) return;
      if (left.done || right.done)
        throw new ConfigError('the files have different numbers of lines', {
          seen: `one ends before line ${line}`,
          where,
        });
      yield { source: left.value, target: right.value };
    }
  } finally {
    await Promise.all([a.return?.(), b.return?.()]);
  }
}
