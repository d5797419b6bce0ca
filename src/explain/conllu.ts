/**
 * CoNLL-U: sentences with their words, dependencies and whatever else is annotated, ten fields a line. Universal Dependencies,
 * https://universaldependencies.org/format.html. Empty nodes are of the enhanced graph and are kept beside the words.
 */
import { FormatError } from '../errors.ts';

export interface ConlluWord {
  /** 1-based within the sentence. */
  readonly id: number;
  readonly form: string;
  readonly lemma: string;
  readonly upos: string;
  readonly xpos: string;
  readonly feats: Readonly<Record<string, string>>;
  /** Id of the word that this one depends on; 0 = none, it is the root. Undefined where the file does not say. */
  readonly head: number | undefined;
  readonly deprel: string;
  readonly misc: Readonly<Record<string, string>>;
  /** Where the word, or the token that holds it, is in the sentence's text, `[start, end)` in UTF-16 code units. */
  readonly span: readonly [number, number];
  /** The sentence's token that the word is in: words of one (German *zum* = zu + dem) share it. 0-based. */
  readonly token: number;
}
export interface ConlluSentence {
  readonly id: string | undefined;
  readonly text: string;
  /** 0-based: `# newdoc` begins the next one. Undefined where the file does not speak of documents. */
  readonly document: number | undefined;
  /** Lines that begin with `#`, without it. */
  readonly comments: readonly string[];
  readonly words: readonly ConlluWord[];
  /** Lines of empty nodes, as they are: `8.1`. */
  readonly emptyNodes: readonly string[];
}

interface Line {
  readonly number: number;
  readonly text: string;
}
/** A token of the text: a word or a range of words. */
interface Surface {
  readonly first: number;
  readonly last: number;
  readonly form: string;
  readonly spaceAfter: boolean;
}

/**
 * The sentences of a file, one after the other.
 * @param source what errors call the file
 * @throws FormatError with the number of the line that is wrong
 */
export function* readConllu(content: string, source = 'CoNLL-U'): Generator<ConlluSentence, void, undefined> {
  let lines: Line[] = [];
  let document: number | undefined;
  let number = 0;
  for (const line of `${content}\n\n`.split('\n')) {
    number++;
    const text = line.replace(/^\uFEFF|\r$/g, '');
    if (text.trim() !== '') {
      lines.push({ number, text });
      continue;
    }
    // Comments that stand alone belong to the next sentence.
    if (lines.every(({ text }) => text.startsWith('#'))) continue;
    if (lines.some(({ text }) => /^#\s*newdoc\b/.test(text))) document = document === undefined ? 0 : document + 1;
    yield sentenceOf(lines, document, source);
    lines = [];
  }
}

function sentenceOf(lines: readonly Line[], document: number | undefined, source: string): ConlluSentence {
  const comments: string[] = [];
  const emptyNodes: string[] = [];
  const ranges: (Surface & { line: number })[] = [];
  const rows: { readonly line: number; readonly fields: readonly string[] }[] = [];
  for (const { number, text } of lines) {
    const problem = (what: string, seen: string, expected: string) =>
      new FormatError(what, { seen, expected, where: `${source}, line ${number}` });
    if (text.startsWith('#')) {
      comments.push(text.slice(1).trim());
      continue;
    }
    const fields = text.split('\t');
    if (fields.length !== 10)
      throw problem(
        'a word has ten fields',
        `${fields.length} in ${JSON.stringify(text.slice(0, 60))}`,
        '10, with tabs between',
      );
    const [, first, last] = /^(\d+)-(\d+)$/.exec(fields[0]!) ?? [];
    if (/^\d+\.\d+$/.test(fields[0]!)) emptyNodes.push(text);
    else if (first !== undefined) {
      const range = { first: Number(first), last: Number(last) };
      if (range.first !== rows.length + 1 || range.last <= range.first)
        throw problem('a range of words that is none', fields[0]!, `from ${rows.length + 1} to a later one`);
      ranges.push({ ...range, form: fields[1]!, spaceAfter: spaceAfter(miscOf(fields[9]!)), line: number });
    } else {
      if (fields[0] !== String(rows.length + 1))
        throw problem('words are counted from 1', fields[0]!, String(rows.length + 1));
      rows.push({ line: number, fields });
    }
  }
  const where = (line: number) => `${source}, line ${line}`;
  if (rows.length === 0) throw new FormatError('a sentence without words', { where: where(lines[0]!.number) });
  const end = ranges.find(range => range.last > rows.length);
  if (end)
    throw new FormatError('a range goes beyond the sentence', {
      seen: `${end.first}-${end.last}`,
      expected: `up to ${rows.length}`,
      where: where(end.line),
    });
  const surfaces = surfacesOf(rows, ranges);
  const given = comments.find(comment => /^text\s*=/.test(comment))?.replace(/^text\s*=\s*/, '');
  const text =
    given ??
    surfaces
      .map(({ form, spaceAfter }) => form + (spaceAfter ? ' ' : ''))
      .join('')
      .trimEnd();
  const spans = spansOf(surfaces, text, where(rows[0]!.line));
  const tokenOf = (id: number) => surfaces.findIndex(({ first, last }) => first <= id && id <= last);
  const words = rows.map(({ line, fields }, i): ConlluWord => {
    const [, form, lemma, upos, xpos, feats, headText, deprel, , misc] = fields as string[];
    const head = headText === '_' ? undefined : Number(headText);
    if (head !== undefined && !(/^\d+$/.test(headText!) && head <= rows.length && head !== i + 1))
      throw new FormatError('no word of this sentence can be the head', {
        seen: headText!,
        expected: `0 to ${rows.length}, and not the word itself`,
        where: where(line),
      });
    const token = tokenOf(i + 1);
    return {
      id: i + 1,
      form: form!,
      lemma: lemma!,
      upos: upos!,
      xpos: xpos!,
      feats: miscOf(feats!),
      head,
      deprel: deprel!,
      misc: miscOf(misc!),
      span: spans[token]!,
      token,
    };
  });
  const id = comments.find(comment => /^sent_id\s*=/.test(comment))?.replace(/^sent_id\s*=\s*/, '');
  return { id, text, document, comments, words, emptyNodes };
}

/** `Key=Value|Key=Value`; `_` is nothing. */
function miscOf(field: string): Record<string, string> {
  if (field === '_') return {};
  return Object.fromEntries(
    field.split('|').map(entry => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
const spaceAfter = (misc: Readonly<Record<string, string>>) => misc.SpaceAfter !== 'No';

/** The tokens as they stand in the text: words, and ranges in place of theirs. */
function surfacesOf(rows: readonly { readonly fields: readonly string[] }[], ranges: readonly Surface[]): Surface[] {
  const surfaces: Surface[] = [];
  for (let id = 1; id <= rows.length; id++) {
    const range = ranges.find(({ first }) => first === id);
    const fields = rows[id - 1]!.fields;
    surfaces.push(range ?? { first: id, last: id, form: fields[1]!, spaceAfter: spaceAfter(miscOf(fields[9]!)) });
    if (range) id = range.last;
  }
  return surfaces;
}

/** Finds the tokens in the text, in order. */
function spansOf(surfaces: readonly Surface[], text: string, where: string): [number, number][] {
  let from = 0;
  return surfaces.map(({ form }) => {
    const start = text.indexOf(form, from);
    if (start < 0 || text.slice(from, start).trim() !== '')
      throw new FormatError('the text of a sentence is not that of its words', {
        seen: JSON.stringify(text.slice(from, from + 40)),
        expected: JSON.stringify(form),
        fix: 'correct or leave out the line # text = ...',
        where,
      });
    from = start + form.length;
    return [start, from];
  });
}
