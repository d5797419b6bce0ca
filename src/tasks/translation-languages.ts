/**
 * How translation models are told the languages. mBART, NLLB and M2M-100 read a code with the text and are made to begin with the
 * other language's; Marian's models for several languages read `>>deu<<` in front of the text; T5 reads a sentence that says it.
 * Models of one pair of languages are told nothing.
 */
import { ConfigError } from '../errors.ts';
import type { Model } from '../hub/model.ts';
import { readFile } from '../hub/read-json.ts';
import { loadTokenizerFrom, type Tokenizer } from '../tokenizers/index.ts';
import { hasTaskParams, type SourceForm, sourceForm } from './source-to-text.ts';

export interface Languages {
  /** Language of the text, by the model's own codes: `en`, `en_XX`, `eng_Latn`. Default: what the checkpoint says. */
  readonly srcLang?: string | undefined;
  /** Language to translate into. */
  readonly tgtLang?: string | undefined;
}

/**
 * The form of a source in one language that is to become one in another.
 * @throws ConfigError for languages that the model has no code or sentence for
 */
export async function translationForm(
  model: Model,
  { srcLang, tgtLang }: Languages,
  signal?: AbortSignal,
): Promise<SourceForm> {
  const plain = sourceForm(model, 'translation');
  if (srcLang === undefined && tgtLang === undefined) return plain;
  const { tokenizer } = model;
  const pair = `translation_${srcLang}_to_${tgtLang}`;
  if (hasTaskParams(model, pair)) return sourceForm(model, pair);
  const mark = tgtLang !== undefined ? `>>${tgtLang}<<` : '';
  if (mark !== '' && tokenizer.tokenToId(mark) !== undefined) return { ...plain, prefix: `${mark} ${plain.prefix}` };
  const begins = tgtLang === undefined ? undefined : codeId(tokenizer, tgtLang);
  if (tgtLang !== undefined && begins === undefined) throw unknownLanguage(model, tgtLang, srcLang);
  if (srcLang !== undefined && codeId(tokenizer, srcLang) === undefined) throw unknownLanguage(model, srcLang, srcLang);
  return {
    ...plain,
    tokenizer: srcLang === undefined ? tokenizer : await tokenizerFor(model, srcLang, signal),
    settings: { ...plain.settings, ...(begins !== undefined && { forcedBosTokenId: begins }) },
  };
}

/** The id of a language's code; undefined for what is none, such as a piece of text that is spelled alike. */
function codeId(tokenizer: Tokenizer, code: string): number | undefined {
  const ids = [code, `__${code}__`].map(token => tokenizer.tokenToId(token));
  return ids.find(id => id !== undefined && tokenizer.allSpecialIds.has(id));
}

/** Of each model's files the tokenizers for texts of a language. */
const tokenizers = new WeakMap<object, Map<string, Tokenizer>>();

async function tokenizerFor(model: Model, language: string, signal?: AbortSignal): Promise<Tokenizer> {
  const { origin } = model.parts;
  if (!origin)
    throw new ConfigError('this model has no files to read its tokenizer from', { fix: 'leave srcLang out' });
  const { files } = origin;
  const known = tokenizers.get(files) ?? new Map<string, Tokenizer>();
  tokenizers.set(files, known);
  const read = (file: string) => readFile(files, file, signal);
  const found = known.get(language) ?? (await loadTokenizerFrom(read, await files.list?.(), { language }));
  if (!found) throw new ConfigError('the model folder has no tokenizer', { where: files.name });
  known.set(language, found);
  return found;
}

const MOST_SHOWN = 12;

function unknownLanguage(model: Model, language: string, srcLang: string | undefined): ConfigError {
  const codes = languagesOf(model);
  const rest = codes.length > MOST_SHOWN ? ` and ${codes.length - MOST_SHOWN} more` : '';
  return new ConfigError('the model does not know this language', {
    seen: language,
    expected: codes.length > 0 ? codes.slice(0, MOST_SHOWN).join(', ') + rest : 'no language: it translates one pair',
    fix:
      codes.length > 0
        ? 'write it as the model does'
        : `leave ${srcLang === undefined ? '' : 'srcLang and '}tgtLang out`,
  });
}

/** What a model calls its languages, as far as its vocabulary and its config tell. */
function languagesOf(model: Model): string[] {
  const { tokenizer } = model;
  const codes: string[] = [];
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const token = tokenizer.idToToken(id) ?? '';
    const code = /^>>(.+)<<$/.exec(token)?.[1] ?? /^__(\w+)__$/.exec(token)?.[1];
    if (code !== undefined) codes.push(code);
    else if (tokenizer.allSpecialIds.has(id) && /^[a-z]{2,3}_[A-Z][A-Za-z]+$/.test(token)) codes.push(token);
  }
  const pairs = Object.keys((model.parts.origin?.json.task_specific_params as object | null | undefined) ?? {});
  const named = pairs.flatMap(name => /^translation_(\w+)_to_(\w+)$/.exec(name)?.slice(1).join(' to ') ?? []);
  return [...codes, ...named];
}
