/**
 * Trainers against vocabularies that the reference libraries learned from the same texts: a folder `trainers` with one JSON
 * file per case (settings, result) and the texts beside them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { SentencePieceAlgorithm } from '../../src/formats/sentencepiece.ts';
import { BYTE_CHARS } from '../../src/tokenizers/byte-alphabet.ts';
import {
  countWords,
  trainBpe,
  trainSentencePiece,
  trainUnigram,
  trainWordLevel,
  trainWordPiece,
} from '../../src/tokenizers/index.ts';
import { parseNormalizer } from '../../src/tokenizers/normalizers.ts';
import { parsePreTokenizer } from '../../src/tokenizers/pre-tokenizers.ts';
import { type CheckResult, Report, readJson } from './report.ts';

/** How a case was trained, under the reference's names. */
interface Settings {
  readonly kind: 'bpe' | 'wordpiece' | 'wordlevel' | 'unigram' | 'sp';
  readonly corpus: string;
  readonly pre?: string | null;
  readonly norm?: string;
  readonly vocab_size: number;
  readonly min_frequency?: number;
  readonly byte_alphabet?: boolean;
  readonly special_tokens?: readonly string[];
  readonly initial_alphabet?: readonly string[];
  readonly continuing_subword_prefix?: string;
  readonly end_of_word_suffix?: string;
  readonly max_token_length?: number;
  readonly unk_token?: string;
  readonly shrinking_factor?: number;
  readonly max_piece_length?: number;
  readonly model_type?: SentencePieceAlgorithm;
  readonly character_coverage?: number;
  readonly byte_fallback?: boolean;
  readonly split_digits?: boolean;
  readonly split_by_whitespace?: boolean;
  readonly treat_whitespace_as_suffix?: boolean;
  readonly user_defined_symbols?: string;
  readonly control_symbols?: string;
  readonly num_sub_iterations?: number;
  readonly max_sentencepiece_length?: number;
}
interface Case {
  readonly settings: Settings;
  readonly vocab?: readonly string[];
  readonly merges?: readonly (readonly [string, string])[];
  /** The ids that followed the order of a hash table, and what has to follow them. */
  readonly given_start?: readonly string[];
  readonly then?: readonly string[];
  /** Piece, score and, for SentencePiece, type. */
  readonly pieces?: readonly (readonly [string, number, string?])[];
  readonly pieces_unordered?: readonly string[];
  readonly scores_of_unordered?: readonly number[];
  readonly unk_id?: number | null;
}

const SCORE_TOLERANCE = 1e-6;
/** SentencePiece computes in single precision. */
const SINGLE_TOLERANCE = 1e-4;

const COMPONENT_OPTIONS = {
  ByteLevel: { add_prefix_space: false },
  BertNormalizer: { clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
} as Record<string, object>;
const component = (type: string) => ({ type, ...COMPONENT_OPTIONS[type] });

function linesOf(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

async function checkCase(report: Report, folder: string, name: string): Promise<void> {
  const { settings, ...expected } = readJson<Case>(folder, `${name}.json`)!;
  if (settings.kind === 'sp') {
    await checkSentencePiece(report, name, linesOf(join(folder, settings.corpus)), settings, expected.pieces!);
    return;
  }
  const words = await countWords(linesOf(join(folder, settings.corpus)), {
    normalizer: settings.norm ? parseNormalizer(component(settings.norm)) : undefined,
    preTokenizer: settings.pre ? parsePreTokenizer(component(settings.pre)) : [],
  });
  const options = {
    vocabSize: settings.vocab_size,
    minFrequency: settings.min_frequency,
    specialTokens: settings.special_tokens,
    initialAlphabet: settings.byte_alphabet ? BYTE_CHARS : settings.initial_alphabet,
    continuingSubwordPrefix: settings.continuing_subword_prefix,
    endOfWordSuffix: settings.end_of_word_suffix,
    maxTokenLength: settings.max_token_length,
  };
  if (settings.kind === 'unigram') {
    await checkUnigram(report, name, words, settings, expected);
    return;
  }
  const vocab = expected.vocab ?? [...expected.given_start!, ...expected.then!];
  if (settings.kind === 'bpe') {
    const trained = await trainBpe(words, options, expected.given_start);
    report.same('vocab', name, () => trained.vocab, vocab);
    if (expected.merges) report.same('merges', name, () => trained.merges, expected.merges);
  } else if (settings.kind === 'wordpiece') {
    const trained = await trainWordPiece(words, options, expected.given_start);
    report.same('vocab', name, () => trained, vocab);
  } else report.same('vocab', name, () => trainWordLevel(words, options), vocab);
}

async function checkUnigram(
  report: Report,
  name: string,
  words: Awaited<ReturnType<typeof countWords>>,
  settings: Settings,
  { pieces = [], pieces_unordered: unordered = [], scores_of_unordered: penalties = [], unk_id: unkId }: Partial<Case>,
): Promise<void> {
  const trained = await trainUnigram(words, {
    vocabSize: settings.vocab_size,
    specialTokens: settings.special_tokens,
    unkToken: settings.unk_token,
    shrinkingFactor: settings.shrinking_factor,
    maxPieceLength: settings.max_piece_length,
  });
  const scores = new Map(trained.vocab);
  const isNear = (a: number | undefined, b: number | undefined) => Math.abs((a ?? 9) - (b ?? -9)) <= SCORE_TOLERANCE;
  report.same('vocab', name, () => [...scores.keys()].sort(), [...pieces.map(([piece]) => piece), ...unordered].sort());
  report.same('scores', name, () => pieces.filter(([piece, score]) => !isNear(scores.get(piece), score)), []);
  const byScore = (a: number, b: number) => a - b;
  const seen = unordered.map(piece => scores.get(piece)!).sort(byScore);
  const wanted = [...penalties].sort(byScore);
  report.same('scores of the dropped', name, () => seen.filter((score, i) => !isNear(score, wanted[i])), []);
  report.same('unk_id', name, () => trained.unkId ?? null, unkId ?? null);
}

async function checkSentencePiece(
  report: Report,
  name: string,
  lines: readonly string[],
  settings: Settings,
  expected: NonNullable<Case['pieces']>,
): Promise<void> {
  const pieces = await trainSentencePiece(lines, {
    modelType: settings.model_type,
    vocabSize: settings.vocab_size,
    byteFallback: settings.byte_fallback,
    characterCoverage: settings.character_coverage,
    splitDigits: settings.split_digits,
    splitByWhitespace: settings.split_by_whitespace,
    treatWhitespaceAsSuffix: settings.treat_whitespace_as_suffix,
    userDefinedSymbols: settings.user_defined_symbols?.split(','),
    controlSymbols: settings.control_symbols?.split(','),
    numSubIterations: settings.num_sub_iterations,
    shrinkingFactor: settings.shrinking_factor,
    maxSentencepieceLength: settings.max_sentencepiece_length,
  });
  const named = pieces.map(({ piece, type }) => [piece, type]);
  const wanted = expected.map(([piece, , type]) => [piece, type]);
  report.same('vocab', name, () => named, wanted);
  const isFar = (score: number, i: number) => !(Math.abs(score - (pieces[i]?.score ?? Number.NaN)) <= SINGLE_TOLERANCE);
  report.same('scores', name, () => expected.filter(([, score], i) => isFar(score, i)), []);
}

/** Checks every case of a folder of trainers. */
export async function checkTrainers(folder: string): Promise<CheckResult[]> {
  const names = readdirSync(folder)
    .filter(file => file.endsWith('.json'))
    .map(file => basename(file, '.json'));
  const results: CheckResult[] = [];
  for (const name of names.sort()) {
    const report = new Report(basename(folder), name);
    await checkCase(report, folder, name);
    results.push(...report.results);
  }
  return results;
}

/** All folders named `trainers` below `root`, `root` itself included. */
export function trainerFoldersBelow(root: string): string[] {
  const here = basename(root) === 'trainers' ? [root] : [];
  const folders = readdirSync(root, { withFileTypes: true }).filter(entry => entry.isDirectory());
  return [...here, ...folders.flatMap(entry => trainerFoldersBelow(join(root, entry.name)))].sort();
}
