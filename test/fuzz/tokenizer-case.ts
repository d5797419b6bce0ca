/**
 * Cases about tokenizers. Texts must not make any of the committed ones throw or contradict itself; files that are wrong must be
 * refused, or make a tokenizer that works.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type EncodeOptions,
  type Tokenizer,
  tokenizerFromFiles,
  tokenizerFromJson,
} from '../../src/tokenizers/index.ts';
import { wellFormed } from '../../src/tokenizers/offsets.ts';
import type { Rng } from '../../src/util/rng.ts';
import { type Case, orRefused } from './fuzz-case.ts';
import { entangled, hostileRegex, mutatedBytes, mutatedJson, withRegex } from './mutated-file.ts';
import { randomText } from './random-text.ts';

const DATA = fileURLToPath(new URL('../tokenizers/data', import.meta.url));

/** A committed tokenizer in one of its formats. */
interface Subject {
  readonly name: string;
  /** What it is loaded from. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly tokenizer: Tokenizer;
  /** Whether decoding gives back every text: not if special tokens in it take the white space beside them. */
  readonly lossless: 'always' | 'without special tokens' | 'never';
}

export interface TokenizerMaterials {
  readonly subjects: readonly Subject[];
  /** Texts of the tests, as words and sentences of many languages. */
  readonly texts: readonly string[];
}

const MAIN_FILES = /^(tokenizer\.json|vocab\.txt|vocab\.json|.*\.model)$/;

/** Reads all committed tokenizers. */
export function readTokenizerMaterials(): TokenizerMaterials {
  const subjects: Subject[] = [];
  const texts = new Set<string>();
  for (const folder of readdirSync(DATA)) {
    if (!readdirSync(DATA, { withFileTypes: true }).some(entry => entry.name === folder && entry.isDirectory()))
      continue;
    const names = readdirSync(`${DATA}/${folder}`);
    const bytes = (name: string) => new Uint8Array(readFileSync(`${DATA}/${folder}/${name}`));
    if (names.includes('expected.json')) {
      const cases = JSON.parse(readFileSync(`${DATA}/${folder}/expected.json`, 'utf8')) as unknown;
      collectTexts(cases, texts);
    }
    for (const name of names.filter(entry => MAIN_FILES.test(entry))) {
      const files: Record<string, Uint8Array> = { [name]: bytes(name) };
      if (name === 'vocab.json') files['merges.txt'] = bytes('merges.txt');
      const tokenizer = tokenizerFromFiles(files);
      subjects.push({
        name: `${folder}/${name}`,
        files,
        tokenizer,
        lossless: name === 'tokenizer.json' ? losslessness(files[name]!) : 'never',
      });
    }
  }
  return { subjects, texts: [...texts] };
}

/** The values of all fields named `text`. */
function collectTexts(value: unknown, texts: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value))
    if (key === 'text' && typeof part === 'string' && part !== '') texts.add(part.slice(0, 2000));
    else collectTexts(part, texts);
}

/** Whether a tokenizer.json is byte-level and leaves the text as it is: nothing rewritten, nothing stripped. */
function losslessness(bytes: Uint8Array): Subject['lossless'] {
  interface Json {
    normalizer: unknown;
    pre_tokenizer: {
      type: string;
      add_prefix_space?: boolean;
      pretokenizers?: { type: string; add_prefix_space?: boolean }[];
    };
    decoder: { type: string };
    added_tokens: { lstrip: boolean; rstrip: boolean; special: boolean }[];
  }
  const json = JSON.parse(new TextDecoder().decode(bytes)) as Json;
  if (json.normalizer || json.decoder.type !== 'ByteLevel') return 'never';
  const steps = json.pre_tokenizer.pretokenizers ?? [json.pre_tokenizer];
  const last = steps.at(-1)!;
  const keepsText =
    last.type === 'ByteLevel' &&
    last.add_prefix_space === false &&
    steps.slice(0, -1).every(step => step.type === 'Split');
  const stripping = json.added_tokens.filter(token => token.lstrip || token.rstrip);
  if (!keepsText || stripping.some(token => !token.special)) return 'never';
  return stripping.length > 0 ? 'without special tokens' : 'always';
}

function check(holds: boolean, what: string, facts: Record<string, unknown>): void {
  if (!holds) throw new Error(`${what} ${JSON.stringify(facts).slice(0, 1000)}`);
}

const same = (a: readonly unknown[], b: readonly unknown[]) => a.length === b.length && a.every((x, i) => x === b[i]);

/** Everything that has to hold for any text. */
function checkText({ tokenizer, lossless }: Subject, text: string, options: EncodeOptions): void {
  const encoding = tokenizer.encode(text, options);
  const ids = tokenizer.encodeIds(text, options);
  check(same(encoding.ids, ids), 'encode and encodeIds differ', { text, encode: encoding.ids, encodeIds: ids });
  let [lastStart, lastEnd] = [0, 0];
  for (const [i, [start, end]] of encoding.offsets.entries()) {
    if (encoding.sequenceIds[i] === null) continue;
    const inside = Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= text.length;
    check(inside, 'an offset is outside of the text', { text, token: i, start, end, length: text.length });
    check(start >= lastStart && end >= lastEnd, 'offsets are out of order', {
      text,
      token: i,
      start,
      end,
      lastStart,
      lastEnd,
    });
    [lastStart, lastEnd] = [start, end];
  }
  for (const cleanUpSpaces of [true, false]) {
    const decoded = tokenizer.decode(ids, { cleanUpSpaces });
    const stream = tokenizer.stream({ cleanUpSpaces });
    const streamed = ids.map(id => stream.push(id)).join('') + stream.flush();
    check(decoded === streamed, 'decode and stream differ', { text, cleanUpSpaces, decoded, streamed });
  }
  const decoded = tokenizer.decode(ids, { cleanUpSpaces: false });
  const whole =
    lossless === 'always' || (lossless === 'without special tokens' && options.parseSpecialTokens === false);
  if (!whole || (options.addSpecialTokens ?? true)) return;
  const expected = wellFormed(text);
  check(decoded === expected, 'the round trip differs', { text: expected, decoded });
}

function textCase(rng: Rng, { subjects, texts }: TokenizerMaterials): Case {
  const subject = subjects[rng.below(subjects.length)]!;
  const text = randomText(rng, texts);
  const options = { addSpecialTokens: rng.below(3) === 0, parseSpecialTokens: rng.below(2) === 0 };
  return {
    what: `${subject.name}, text ${JSON.stringify(text.slice(0, 200))}`,
    run() {
      checkText(subject, text, options);
      return 'held';
    },
  };
}

/** A pair of texts in windows: what the options ask for, or an error that says why not. */
function windowsCase(rng: Rng, { subjects, texts }: TokenizerMaterials): Case {
  const { name, tokenizer } = subjects[rng.below(subjects.length)]!;
  // Short ones: the windows of both texts are paired each with each.
  const [text, pair] = [randomText(rng, texts).slice(0, 150), randomText(rng, texts).slice(0, 150)];
  const maxLength = rng.below(40);
  const options: EncodeOptions = {
    maxLength,
    stride: rng.below(12),
    truncation: (['longest_first', 'only_first', 'only_second'] as const)[rng.below(3)]!,
    truncationSide: rng.below(2) === 0 ? 'left' : 'right',
    ...(rng.below(2) === 0 && { pair }),
  };
  return {
    what: `${name}, windows ${JSON.stringify({ ...options, text: text.slice(0, 200) })}`,
    run: () =>
      orRefused(() => {
        const encoding = tokenizer.encode(text, options);
        check(encoding.ids.length <= maxLength, 'a window is too long', { length: encoding.ids.length, maxLength });
        check(same(encoding.ids, tokenizer.encodeIds(text, options)), 'encode and encodeIds differ', { text });
      }),
  };
}

/** `files` or the parsed `json`, which may be anything. */
function fileCase(rng: Rng, { texts }: TokenizerMaterials, what: string, load: () => Tokenizer): Case {
  const samples = Array.from({ length: 3 }, () => randomText(rng, texts));
  return {
    what,
    run: () =>
      orRefused(() => {
        const tokenizer = load();
        for (const text of samples) {
          // A file may ask for anything, also for what contradicts itself; it just has to end.
          const ids = tokenizer.encodeIds(text);
          tokenizer.encode(text);
          tokenizer.decode(ids);
        }
      }),
  };
}

/** The case that a generator's state stands for. */
export function tokenizerCase(rng: Rng, materials: TokenizerMaterials): Case {
  const kind = rng.below(20);
  if (kind < 9) return textCase(rng, materials);
  if (kind < 11) return windowsCase(rng, materials);
  const { subjects } = materials;
  if (kind < 16) {
    const jsons = subjects.filter(({ files }) => files['tokenizer.json']);
    const { name, files } = jsons[rng.below(jsons.length)]!;
    const text = new TextDecoder().decode(files['tokenizer.json']);
    if (kind < 14) {
      const json = mutatedJson(rng, text);
      return fileCase(rng, materials, `${name}, fields edited`, () =>
        tokenizerFromFiles({ 'tokenizer.json': JSON.stringify(json) }),
      );
    }
    if (kind < 15) {
      const regex = hostileRegex(rng);
      return fileCase(rng, materials, `${name}, pattern ${JSON.stringify(regex.slice(0, 200))}`, () =>
        tokenizerFromJson(withRegex(text, regex)),
      );
    }
    const json = entangled(rng, text);
    return fileCase(rng, materials, `${name}, entangled`, () => tokenizerFromJson(json));
  }
  const { name, files } = subjects[rng.below(subjects.length)]!;
  const names = Object.keys(files);
  const file = names[rng.below(names.length)]!;
  const bytes = mutatedBytes(rng, files[file]!);
  return fileCase(rng, materials, `${name}, bytes edited`, () => tokenizerFromFiles({ ...files, [file]: bytes }));
}
