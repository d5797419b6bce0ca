/** The tokenizer of a model that is trained from nothing: one that is there, or one that is learned from its data. */
import { basename, dirname } from 'node:path';
import { ConfigError } from '../errors.ts';
import { fileSource } from '../formats/index.ts';
import {
  loadTokenizer,
  type Tokenizer,
  type TrainingProgress,
  type TrainTokenizerOptions,
  tokenizerFromJson,
  trainTokenizer,
} from '../tokenizers/index.ts';
import { readRows } from '../train/data/index.ts';
import { grouped, type Values } from './command.ts';
import { writeWhole } from './training-files.ts';

const TYPES = ['byte-bpe', 'characters'] as const;

export const TOKENIZER_OPTIONS = grouped('Tokenizer', {
  tokenizer: { kind: 'text', value: 'FOLDER', help: 'one that is there (default: one is learned from the data)' },
  'tokenizer-type': {
    kind: 'text',
    value: 'TYPE',
    choices: TYPES,
    help: 'of the learned one: byte-bpe (default), or characters, each a token',
  },
  'vocab-size': { kind: 'integer', value: 'N', min: 257, help: 'of the learned one (default 2048)' },
});

const END = '<|endoftext|>';
const SETTINGS: Readonly<Record<(typeof TYPES)[number], (size: number) => TrainTokenizerOptions>> = {
  'byte-bpe': vocabSize => ({ type: 'byte-bpe', vocabSize, specialTokens: [END] }),
  characters: vocabSize => ({
    ...{ type: 'wordlevel', vocabSize, specialTokens: [END] },
    preTokenizer: { type: 'Split', pattern: { Regex: '[\\s\\S]' }, behavior: 'Isolated', invert: false },
    decoder: { type: 'Fuse' },
  }),
};

export interface NewTokenizerOptions {
  readonly values: Values<typeof TOKENIZER_OPTIONS>;
  /** Files that it is learned from. */
  readonly data: readonly string[];
  /** Where a learned one is written to, and found again when a run goes on. */
  readonly out: string;
  readonly resume: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TrainingProgress) => void;
}

/** The tokenizer and the folder with its files. @throws TokenizerError, ConfigError, the signal's reason when aborted */
export async function newTokenizer(options: NewTokenizerOptions): Promise<{ tokenizer: Tokenizer; folder: string }> {
  const { values, data, out, resume, signal, onProgress } = options;
  if (values.tokenizer !== undefined) {
    const learns = (['tokenizer-type', 'vocab-size'] as const).filter(name => values[name] !== undefined);
    if (learns.length > 0)
      throw new ConfigError('a tokenizer that is there is not learned', {
        seen: `--tokenizer beside ${learns.map(name => `--${name}`).join(', ')}`,
        fix: 'leave one of them out',
      });
    const folder = basename(values.tokenizer) === 'tokenizer.json' ? dirname(values.tokenizer) : values.tokenizer;
    return { tokenizer: await loadTokenizer(folder), folder };
  }
  if (resume) return { tokenizer: await loadTokenizer(out), folder: out };
  const settings = SETTINGS[values['tokenizer-type'] ?? 'byte-bpe'](values['vocab-size'] ?? 2048);
  const json = await trainTokenizer(textsOf(data), { ...settings, signal, onProgress });
  await writeWhole(out, 'tokenizer.json', `${JSON.stringify(json)}\n`);
  return { tokenizer: tokenizerFromJson(json), folder: out };
}

/** All texts of the files. */
async function* textsOf(paths: readonly string[]): AsyncGenerator<string> {
  for (const path of paths) {
    const source = await fileSource(path);
    try {
      for await (const { fields } of readRows(source, { keepLinebreaks: true }))
        for (const value of Object.values(fields)) if (typeof value === 'string') yield value;
    } finally {
      await source.close();
    }
  }
}
