/**
 * Translation models whose SentencePiece pieces have their ids in a vocab.json: Marian (Junczys-Dowmunt et al. 2018), which has
 * one SentencePiece model for each language, and M2M-100 (Fan et al. 2020), which has codes of languages behind the vocabulary.
 * huggingface/transformers tokenization_marian.py and tokenization_m2m_100.py, whose quotation marks and dashes stay as they
 * are written here, as they do there without the package sacremoses.
 */
import { TokenizerError } from '../errors.ts';
import { readSentencePieceModel, type SentencePieceModel } from '../formats/sentencepiece.ts';
import { specialToken } from './added-tokens.ts';
import type { Decoder, DecodeStage } from './decoders.ts';
import { asCount, asObject, type JsonObject, optionalString } from './json-fields.ts';
import { M2M100_LANGUAGES, WMT21_LANGUAGES } from './language-codes.ts';
import { modelOfPieces, sentencePieceDecoder } from './load-sentencepiece.ts';
import type { Normalizer } from './normalizers.ts';
import { AlignedBuilder, sliceAligned } from './offsets.ts';
import { codeLength, PieceVocab } from './piece-vocab.ts';
import { surroundWith } from './post-processors.ts';
import { sentencePieceNormalizer } from './sentencepiece-normalizer.ts';
import { findSpecialTokens, tokenContent } from './special-tokens.ts';
import { Tokenizer } from './tokenizer.ts';

const CONFIG = 'tokenizer_config.json';

/** Leaves a language code in front of the text as it is. */
function besideCode(rest: Normalizer): Normalizer {
  return {
    text(input) {
      const length = codeLength(input);
      return input.slice(0, length) + rest.text(input.slice(length));
    },
    aligned(input) {
      const length = codeLength(input.text);
      if (length === 0) return rest.aligned(input);
      const code = new AlignedBuilder(input);
      code.keep(0, length);
      const [front, back] = [code.build(), rest.aligned(sliceAligned(input, length, input.text.length))];
      return {
        text: front.text + back.text,
        starts: Int32Array.from([...front.starts!, ...back.starts!]),
        ends: Int32Array.from([...front.ends!, ...back.ends!]),
        base: 0,
      };
    },
  };
}

/**
 * Decoding of the stretches between special tokens one by one; `gap` stands behind each special token. White space at both
 * ends of the whole is left out.
 */
function betweenSpecials(stretch: Decoder, specials: ReadonlySet<string>, gap: string): Decoder {
  return next => {
    let [started, held] = [false, ''];
    const trimmed: DecodeStage = {
      push(text) {
        const body = started ? text : text.trimStart();
        if (body === '') return;
        started = true;
        const end = body.trimEnd().length;
        if (end === 0) held += body;
        else {
          next.push(held + body.slice(0, end));
          held = body.slice(end);
        }
      },
      drain: () => next.drain(),
      finish() {},
    };
    let stage = stretch(trimmed, false);
    return {
      push(token) {
        if (!specials.has(token)) return stage.push(token);
        stage.finish();
        trimmed.push(token + gap);
        stage = stretch(trimmed, false);
      },
      drain: () => stage.drain(),
      finish() {
        stage.finish();
        next.finish();
      },
    };
  };
}

/** Decoding with `codes` set apart by single spaces from the texts between them, each of which `stretch` joins by itself. */
function setApart(stretch: Decoder, codes: ReadonlySet<string>): Decoder {
  return next => {
    const part: DecodeStage = { push: text => next.push(text), drain: () => next.drain(), finish() {} };
    let stage: DecodeStage | undefined;
    let started = false;
    const begin = () => {
      if (started) next.push(' ');
      started = true;
    };
    const end = () => {
      stage?.finish();
      stage = undefined;
    };
    return {
      push(token) {
        if (codes.has(token)) {
          end();
          begin();
          next.push(token);
          return;
        }
        if (!stage) {
          begin();
          stage = stretch(part, false);
        }
        stage.push(token);
      },
      drain: () => (stage ?? next).drain(),
      finish() {
        end();
        next.finish();
      },
    };
  };
}

function vocabOf(json: unknown, where: string): Map<string, number> {
  const entries = asObject(json, where);
  return new Map(
    Object.entries(entries).map(([token, id]) => [token, asCount(id, `${where}[${JSON.stringify(token)}]`)]),
  );
}

/** What the two families share, as data. */
interface Parts {
  readonly config: JsonObject;
  /** Cuts texts into pieces. */
  readonly pieces: SentencePieceModel;
  /** Joins pieces to texts. */
  readonly written: SentencePieceModel;
  readonly vocab: ReadonlyMap<string, number>;
  /** The vocabulary of what is decoded. */
  readonly decoded: ReadonlyMap<string, number>;
  /** Special tokens beside those that the configuration gives a role. */
  readonly languages: readonly (readonly [token: string, id: number])[];
  /** The language in front of texts. */
  readonly before: readonly (readonly [token: string, id: number])[];
  readonly codes: boolean;
  readonly gap: string;
}

function tokenizerOf(parts: Parts): Tokenizer {
  const { config, pieces, written, vocab, languages } = parts;
  const named = (role: string, usual: string): [string, number] => {
    const token = tokenContent(config[`${role}_token`]) ?? usual;
    const id = vocab.get(token);
    if (id !== undefined) return [token, id];
    throw new TokenizerError('a special token is not in the vocabulary', { seen: token, where: 'vocab.json' });
  };
  const eos = named('eos', '</s>');
  const unknown = named('unk', '<unk>');
  const bos = vocab.get('<s>');
  const specials = [eos, unknown, named('pad', '<pad>'), ...(bos === undefined ? [] : [['<s>', bos] as const])];
  const added = [...specials, ...languages].map(([token, id]) => specialToken(token, id));
  const normalizer = sentencePieceNormalizer(pieces, undefined, pieces.normalizer.addDummyPrefix);
  const { codes } = parts;
  const model = new PieceVocab(modelOfPieces(pieces), vocab, parts.decoded, { unknownId: unknown[1], codes });
  const template = surroundWith(parts.before, [eos]);
  const [before, after] = [template.single.slice(0, parts.before.length), template.single.slice(-1)];
  const joined = betweenSpecials(
    sentencePieceDecoder(written, new Set(written.pieces.map(({ piece }) => piece))),
    new Set(specials.map(([token]) => token)),
    parts.gap,
  );
  return new Tokenizer({
    model,
    normalizer: codes ? besideCode(normalizer) : normalizer,
    preTokenizer: [],
    addedTokens: added,
    // Two texts stand in one, without anything between them.
    postProcessor: {
      ...template,
      pair: [...before, { sequence: 0, typeId: 0 }, { sequence: 1, typeId: 0 }, ...after],
    },
    decoder: languages.length > 0 ? setApart(joined, new Set(languages.map(([token]) => token))) : joined,
    specialTokens: { ...findSpecialTokens([config], added, token => vocab.get(token)), unk: unknown[1] },
    cleanUpSpaces: config.clean_up_tokenization_spaces === true,
    savedOptions: {},
  });
}

/**
 * The tokenizer of a Marian model: `source` texts become pieces of source.spm, which vocab.json gives ids; decoding joins pieces of
 * target.spm. With `target` texts become pieces of target.spm, as the labels of training do. A code such as `>>fra<<` in
 * front of a text is one token. Throws FormatError, TokenizerError.
 */
export function tokenizerFromMarian(
  files: {
    readonly source: Uint8Array;
    readonly target: Uint8Array;
    readonly vocab: unknown;
    readonly targetVocab?: unknown;
  },
  config: JsonObject = {},
  target = false,
): Tokenizer {
  const [source, written] = [readSentencePieceModel(files.source), readSentencePieceModel(files.target)];
  const vocab = vocabOf(files.vocab, 'vocab.json');
  const decoded = files.targetVocab === undefined ? vocab : vocabOf(files.targetVocab, 'target_vocab.json');
  return tokenizerOf({
    config,
    pieces: target ? written : source,
    written,
    vocab: target ? decoded : vocab,
    decoded,
    languages: [],
    before: [],
    codes: true,
    gap: ' ',
  });
}

/**
 * The tokenizer of an M2M-100 model: pieces with the ids of vocab.json, behind the code of the language, `__en__`, that
 * `src_lang` names. Throws FormatError, TokenizerError.
 */
export function tokenizerFromM2m100(bytes: Uint8Array, vocabJson: unknown, config: JsonObject = {}): Tokenizer {
  const model = readSentencePieceModel(bytes);
  const vocab = vocabOf(vocabJson, 'vocab.json');
  const codes = optionalString(config, 'language_codes', CONFIG) === 'wmt21' ? WMT21_LANGUAGES : M2M100_LANGUAGES;
  const languages = codes.map((code, i) => [`__${code}__`, vocab.size + i] as const);
  const language = optionalString(config, 'src_lang', CONFIG) ?? 'en';
  const before = languages.filter(([token]) => token === `__${language}__`);
  if (before.length === 0)
    throw new TokenizerError('the tokenizer has no such language', { seen: language, expected: codes.join(', ') });
  return tokenizerOf({
    config,
    pieces: model,
    written: model,
    vocab,
    decoded: vocab,
    languages,
    before,
    codes: false,
    gap: '',
  });
}
