/** `heed tokenizer train`: learns a tokenizer from text files and writes its tokenizer.json. */
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../../errors.ts';
import {
  isSentencePieceType,
  type TokenizerJson,
  TRAINABLE_TYPES,
  type TrainableType,
  type TrainingProgress,
  tokenizerFromJson,
  trainTokenizer,
} from '../../tokenizers/index.ts';
import { defineCommand, UsageError } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { cut, table } from '../layout.ts';
import type { Say } from '../messages.ts';
import type { Numbers } from '../numbers.ts';
import { OUTPUT_OPTIONS } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { quote } from '../token-label.ts';
import { wordingFor } from '../wording.ts';
import { workingLine } from '../working-line.ts';

/** Work takes at least this long before anything is said about it. */
const PATIENCE_MS = 1000;

export const tokenizer = defineCommand({
  name: 'tokenizer',
  summary: 'trains a tokenizer on text files and writes its tokenizer.json. Each line is a text, with its line end.',
  positionals: [
    { name: 'train', help: 'what to do' },
    { name: 'FILE...', help: 'text files in UTF-8; they may be larger than memory' },
  ],
  options: {
    type: { kind: 'text', value: 'TYPE', choices: TRAINABLE_TYPES, help: `${TRAINABLE_TYPES.join(', ')}` },
    'vocab-size': { kind: 'integer', value: 'N', min: 1, help: 'size of the vocabulary (default: 8000)' },
    out: { kind: 'text', value: 'FOLDER', help: 'where tokenizer.json goes' },
    force: { kind: 'flag', help: 'replace a tokenizer.json that is there' },
    'min-frequency': { kind: 'integer', value: 'N', min: 0, help: 'merge no pairs, keep no words seen less often' },
    special: { kind: 'list', value: 'TOKEN', help: 'a special token; may be given several times' },
    normalize: {
      kind: 'text',
      value: 'FORM',
      choices: ['NFC', 'NFKC'],
      help: 'Unicode form of the texts: NFC or NFKC',
    },
    lowercase: { kind: 'flag', help: 'everything in lower case' },
    'max-words': {
      kind: 'integer',
      value: 'N',
      min: 2,
      help: 'count at most N different words: beyond that the rarest are dropped (default: all are counted)',
    },
    ...OUTPUT_OPTIONS,
  },
  examples: [
    {
      line: 'heed tokenizer train examples/data/story.txt --type byte-bpe --out ./words',
      does: "GPT-2's kind, 8000 tokens or fewer",
    },
    {
      line: 'heed tokenizer train examples/data/story.txt examples/data/sentences.txt --type unigram --vocab-size 120 --special "<pad>" --out ./t5',
      does: "T5's kind, on two files",
    },
    {
      line: 'heed tokenizer train examples/data/story.txt --type sentencepiece-bpe --vocab-size 400 --out ./llama',
      does: "Llama's kind, with the rules of SentencePiece",
    },
  ],
  async run({ values, positionals: [action, ...files], terminal, signal }) {
    if (action !== 'train') throw new UsageError(`unknown action ${action}; did you mean train?`, 'tokenizer');
    const { type, out } = values;
    if (type === undefined)
      throw new UsageError(`--type is missing: what kind of tokenizer, ${TRAINABLE_TYPES.join(', ')}?`, 'tokenizer');
    if (out === undefined)
      throw new UsageError('--out is missing: which folder does the tokenizer go to?', 'tokenizer');
    for (const name of ['min-frequency', 'max-words'] as const)
      if (values[name] !== undefined && isSentencePieceType(type))
        throw new UsageError(`--${name} is about counted words, and ${type} reads whole sentences`, 'tokenizer');
    const path = join(out, 'tokenizer.json');
    if (!values.force && existsSync(path))
      throw new ConfigError('there is a tokenizer already', { where: path, fix: 'choose another --out, or --force' });
    for (const file of files) await checkReadable(file);
    const { say, numbers } = wordingFor(values, terminal);
    const begin = performance.now();
    const read = { lines: 0, characters: 0, sample: '' };
    const line = workingLine(terminal, false);
    const form = normalizerOf(type, values.normalize, values.lowercase);
    let json: TokenizerJson;
    try {
      json = await trainTokenizer(linesOf(files, read), {
        type,
        vocabSize: values['vocab-size'] ?? 8000,
        minFrequency: values['min-frequency'],
        specialTokens: values.special,
        maxWords: values['max-words'],
        ...(form && { normalizer: form }),
        signal,
        onProgress: progress => {
          if (performance.now() - begin > PATIENCE_MS) line.show(progressText(progress, say, numbers));
        },
      });
    } finally {
      line.clear();
    }
    // Also the proof that it loads, before anything is written over.
    const result = summaryOf(json, type, path, read, performance.now() - begin);
    await writeWhole(out, path, `${JSON.stringify(json)}\n`);
    terminal.write(values.json ? `${jsonText(result)}\n` : `${page(result, terminal, say, numbers).join('\n')}\n`);
  },
});

/** Throws ConfigError for what is no file that can be read: better before an hour of reading the others than behind it. */
async function checkReadable(path: string): Promise<void> {
  const entry = await stat(path).catch((cause: Error) => {
    throw new ConfigError('there is no such file', { seen: cause.message, where: path, cause });
  });
  if (entry.isDirectory()) throw new ConfigError('this is a folder, not a text file', { where: path });
}

/** The normalizer that the options ask for, or undefined to leave the default of the type. */
function normalizerOf(type: TrainableType, form: string | undefined, lowercase: boolean) {
  const own =
    type === 'wordpiece'
      ? [{ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase }]
      : [];
  const parts = [
    ...(form ? [{ type: form }] : []),
    ...(lowercase && type !== 'wordpiece' ? [{ type: 'Lowercase' }] : []),
    ...own,
  ];
  if (type === 'wordpiece' && !form && lowercase) return undefined;
  return parts.length > 1 ? { type: 'Sequence', normalizers: parts } : parts[0];
}

/** What was read; `sample` is the beginning, to try the tokenizer on. */
interface Read {
  lines: number;
  characters: number;
  sample: string;
}

const SAMPLE_CHARACTERS = 1_000_000;
/** A line without an end is cut here, so that memory stays bounded. */
const LONGEST_LINE = 1 << 24;

/** The lines of the files one after the other, with their line ends. */
async function* linesOf(files: readonly string[], read: Read): AsyncGenerator<string> {
  for (const file of files) {
    let rest = '';
    for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
      const text = rest + String(chunk);
      let start = 0;
      for (let end = text.indexOf('\n') + 1; end > 0; end = text.indexOf('\n', start) + 1) {
        yield counted(text.slice(start, end), read);
        start = end;
      }
      rest = text.slice(start);
      if (rest.length >= LONGEST_LINE) {
        yield counted(rest, read);
        rest = '';
      }
    }
    if (rest !== '') yield counted(rest, read);
  }
}

function counted(line: string, read: Read): string {
  read.lines++;
  read.characters += line.length;
  if (read.sample.length < SAMPLE_CHARACTERS) read.sample += line;
  return line;
}

/** How far the work is. */
function progressText({ stage, done, total }: TrainingProgress, say: Say, numbers: Numbers): string {
  const verb = say(({ read: 'reading', prepare: 'preparing', learn: 'learning' } as const)[stage]);
  const unit = stage === 'read' ? ` ${say('lines')}` : '';
  const goal = total === undefined ? '' : ` / ${numbers.count(total)}`;
  return `${verb} ${numbers.count(done)}${goal}${unit}`;
}

/** Writes a file so that it is there whole or not at all. */
async function writeWhole(folder: string, path: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: Error) => {
    throw new ConfigError('the folder cannot be made', { seen: cause.message, where: folder, cause });
  });
  const beside = `${path}.${process.pid}.part`;
  try {
    const file = await open(beside, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

interface Summary {
  readonly path: string;
  readonly type: TrainableType;
  readonly vocabSize: number;
  readonly merges: number | null;
  readonly lines: number;
  readonly characters: number;
  /** Of the first million characters of the texts; null if they were empty. */
  readonly charactersPerToken: number | null;
  readonly longest: readonly string[];
  readonly milliseconds: number;
}

const SHOWN_PIECES = 8;

function summaryOf(json: TokenizerJson, type: TrainableType, path: string, read: Read, milliseconds: number): Summary {
  const trained = tokenizerFromJson(json);
  const { lines, characters, sample } = read;
  const tokens = trained.encodeIds(sample, { addSpecialTokens: false }).length;
  const { merges } = json.model;
  const pieces: string[] = [];
  for (let id = 0; id < trained.vocabSize; id++)
    if (!trained.allSpecialIds.has(id)) pieces.push(textOf(trained.idToToken(id) ?? '', trained.decode([id])));
  pieces.sort((a, b) => b.length - a.length);
  return {
    path,
    type,
    vocabSize: trained.vocabSize,
    merges: Array.isArray(merges) ? merges.length : null,
    lines,
    characters,
    charactersPerToken: tokens > 0 ? sample.length / tokens : null,
    longest: pieces.slice(0, SHOWN_PIECES),
    milliseconds,
  };
}

/** What a token stands for; parts of characters go by their entry. */
const textOf = (entry: string, decoded: string) => (decoded === '' || decoded.includes('\ufffd') ? entry : decoded);

function page(result: Summary, { paint, columns }: Terminal, say: Say, numbers: Numbers): string[] {
  const { charactersPerToken: ratio } = result;
  const rows: [string, string][] = [
    [say('vocabulary'), numbers.count(result.vocabSize)],
    ...(result.merges === null ? [] : [[say('merges'), numbers.count(result.merges)] as [string, string]]),
    [
      say('texts'),
      `${numbers.count(result.lines)} ${say('lines')}, ${numbers.count(result.characters)} ${say('characters')}`,
    ],
    [say('charactersPerToken'), ratio === null ? '-' : numbers.digits(ratio)],
    [say('time'), numbers.duration(result.milliseconds)],
    [say('longestPieces'), result.longest.map(quote).join(' ')],
  ];
  return [
    `${paint.bold(result.type)}  ${paint.dim(result.path)}`,
    ...table(rows.map(([name, value]) => [`  ${name}`, value])).map(line => cut(line, columns)),
  ];
}
