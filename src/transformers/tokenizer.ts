/** `AutoTokenizer`: a tokenizer as a function from texts to tensors. */
import { ConfigError, HeedError, ShapeError, TokenizerError } from '../errors.ts';
import type { ModelFiles } from '../hub/files.ts';
import { openGgufModel } from '../hub/gguf.ts';
import { readTokenizer } from '../hub/load.ts';
import { readJson } from '../hub/read-json.ts';
import { type ChatMessage, chatTemplatesOf, renderChat } from '../tasks/chat-template.ts';
import type { SpecialTokens, Tokenizer } from '../tokenizers/index.ts';
import { type CompiledTemplate, compileTemplate } from '../util/template.ts';
import { filesOf, type PretrainedOptions, type Source } from './pretrained.ts';
import { int64Rows, rowsOf, Tensor } from './tensor.ts';

type Texts = string | readonly string[];
type Ids = readonly (number | bigint)[] | Tensor;

export interface TokenizeOptions {
  readonly text_pair?: Texts | null | undefined;
  /** To the longest text (true), or to `max_length`. Default false. */
  readonly padding?: boolean | 'max_length' | undefined;
  readonly add_special_tokens?: boolean | undefined;
  readonly truncation?: boolean | null | undefined;
  /** Default: what the tokenizer says that its model reads. */
  readonly max_length?: number | null | undefined;
  /** Default true: tensors; false: lists of numbers. */
  readonly return_tensor?: boolean | undefined;
  readonly return_token_type_ids?: boolean | null | undefined;
}
export interface DecodeOptions {
  readonly skip_special_tokens?: boolean | undefined;
  readonly clean_up_tokenization_spaces?: boolean | undefined;
}
export interface ChatTemplateOptions extends Omit<TokenizeOptions, 'text_pair' | 'add_special_tokens'> {
  /** The name of one of the model's templates. */
  readonly chat_template?: string | null | undefined;
  readonly tools?: readonly Readonly<Record<string, unknown>>[] | null | undefined;
  readonly documents?: readonly Readonly<Record<string, unknown>>[] | null | undefined;
  /** Default false. */
  readonly add_generation_prompt?: boolean | undefined;
  /** Default true: ids; false: the text. */
  readonly tokenize?: boolean | undefined;
  /** Default true: with the mask. */
  readonly return_dict?: boolean | undefined;
  /** What else the template reads. */
  readonly [value: string]: unknown;
}
/** `[B, T]` each; lists of numbers with `return_tensor: false`. */
export interface BatchEncoding<T = Tensor> {
  readonly input_ids: T;
  readonly attention_mask: T;
  readonly token_type_ids?: T;
}
type Lists = number[] | number[][];

type RoleName = keyof SpecialTokens;
/** `pad_token`, `pad_token_id` and the like, of the roles that the tokenizer has. */
export type RoleFields = { readonly [R in RoleName as `${R}_token`]: string | undefined } & {
  readonly [R in RoleName as `${R}_token_id`]: number | undefined;
};

export interface PreTrainedTokenizer extends RoleFields {
  (text: Texts, options: TokenizeOptions & { readonly return_tensor: false }): BatchEncoding<Lists>;
  (text: Texts, options?: TokenizeOptions): BatchEncoding;
  /** heed's own. */
  readonly tokenizer: Tokenizer;
  readonly model_max_length: number;
  readonly all_special_ids: readonly number[];
  /** May be set. */
  padding_side: 'left' | 'right';
  encode(
    text: string,
    options?: Pick<TokenizeOptions, 'add_special_tokens'> & { readonly text_pair?: string },
  ): number[];
  tokenize(text: string, options?: { readonly pair?: string; readonly add_special_tokens?: boolean }): string[];
  decode(ids: Ids, options?: DecodeOptions): string;
  batch_decode(batch: Tensor | readonly Ids[], options?: DecodeOptions): string[];
  convert_tokens_to_ids(tokens: readonly string[]): (number | undefined)[];
  apply_chat_template(
    messages: readonly ChatMessage[],
    options: ChatTemplateOptions & { readonly tokenize: false },
  ): string;
  apply_chat_template(
    messages: readonly ChatMessage[],
    options: ChatTemplateOptions & { readonly return_dict: false },
  ): Tensor | Lists;
  apply_chat_template(messages: readonly ChatMessage[], options?: ChatTemplateOptions): BatchEncoding;
}

/** Families of which the tokenizer says which text of a pair a token is of. */
const SAYS_TYPES =
  /^(Bert|Albert|MobileBert|SqueezeBert|Deberta|DebertaV2|Herbert|ConvBert|RoFormer|XLM|Electra)Tokenizer/;

export const AutoTokenizer = {
  /**
   * The tokenizer in a model's files; of a model on the hub only these files are fetched.
   * @throws TokenizerError when there is none
   */
  async from_pretrained(source: Source, options: PretrainedOptions = {}): Promise<PreTrainedTokenizer> {
    const { chat_template, ...rest } = options;
    const files = filesOf(source, rest);
    const gguf = await openGgufModel(files, options.signal);
    await gguf?.checkpoint.close();
    const { tokenizer, tokenizerProblem } = await readTokenizer(files, gguf, options.signal);
    if (tokenizerProblem) throw tokenizerProblem;
    if (!tokenizer) throw new TokenizerError('the model has no tokenizer', { where: files.name });
    return callableTokenizer(tokenizer, files, chat_template ?? undefined);
  },
};

/** A tokenizer of heed's in the form of transformers.js. */
export async function callableTokenizer(
  tokenizer: Tokenizer,
  files?: ModelFiles,
  chatTemplate?: string,
): Promise<PreTrainedTokenizer> {
  const templates = await templatesOf(tokenizer, files, chatTemplate);
  const config = (files && (await readJson(files, 'tokenizer_config.json'))) ?? {};
  const { model_max_length, padding_side, tokenizer_class } = config as Readonly<Record<string, unknown>>;
  const most = isLength(model_max_length) ? model_max_length : Number.POSITIVE_INFINITY;
  const types = SAYS_TYPES.test(String(tokenizer_class));
  const decode = (ids: Ids, { skip_special_tokens, clean_up_tokenization_spaces }: DecodeOptions = {}) =>
    tokenizer.decode(ids instanceof Tensor ? ids.numbers() : Array.from(ids, Number), {
      skipSpecialTokens: skip_special_tokens ?? false,
      ...(clean_up_tokenization_spaces !== undefined && { cleanUpSpaces: clean_up_tokenization_spaces }),
    });
  const call = (text: Texts, options: TokenizeOptions = {}) =>
    encoded(tokenizer, { types, most, left: callable.padding_side === 'left' }, text, options);
  const rest = {
    tokenizer,
    model_max_length: most,
    all_special_ids: [...tokenizer.allSpecialIds],
    padding_side: padding_side === 'left' ? 'left' : 'right',
    ...roleFields(tokenizer),
    encode: (
      text: string,
      { add_special_tokens = true, text_pair }: Parameters<PreTrainedTokenizer['encode']>[1] = {},
    ) =>
      tokenizer.encodeIds(text, {
        addSpecialTokens: add_special_tokens,
        ...(text_pair !== undefined && { pair: text_pair }),
      }),
    tokenize: (
      text: string,
      { pair, add_special_tokens = false }: { pair?: string; add_special_tokens?: boolean } = {},
    ) => tokenizer.encode(text, { addSpecialTokens: add_special_tokens, ...(pair !== undefined && { pair }) }).tokens,
    decode,
    batch_decode: (batch: Tensor | readonly Ids[], options?: DecodeOptions) =>
      (batch instanceof Tensor ? rowsOf(batch) : batch).map(ids => decode(ids, options)),
    convert_tokens_to_ids: (tokens: readonly string[]) => tokens.map(token => tokenizer.tokenToId(token)),
    apply_chat_template(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}) {
      const { chat_template, tools, documents, add_generation_prompt = false, ...more } = options;
      const { tokenize = true, return_dict = true, padding, truncation, max_length, return_tensor, ...args } = more;
      const template = chosen(
        templates,
        chat_template ?? (tools && templates.has('tool_use') ? 'tool_use' : 'default'),
      );
      const text = renderChat(template, tokenizer, messages, {
        ...{ tools: tools ?? undefined, documents: documents ?? undefined, chatTemplateArgs: args },
        ...{ addGenerationPrompt: add_generation_prompt, continueFinalMessage: false },
      });
      if (!tokenize) return text;
      const ids = call(text, { padding, truncation, max_length, return_tensor, add_special_tokens: false });
      return return_dict ? ids : ids.input_ids;
    },
  };
  const callable: PreTrainedTokenizer = Object.assign(call, rest) as unknown as PreTrainedTokenizer;
  return callable;
}

/** Above it a length stands for none, as the 1e30 of many files does. */
const LONGEST = 2 ** 24;
const isLength = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= LONGEST;

type Templates = ReadonlyMap<string, CompiledTemplate | HeedError>;

/** All templates of a model, so that messages become texts without waiting; one that cannot be read fails when it is used. */
async function templatesOf(tokenizer: Tokenizer, files: ModelFiles | undefined, own?: string): Promise<Templates> {
  const sources = new Map(
    files && (await chatTemplatesOf({ tokenizer, parts: { params: tokenizer, origin: { files } } })),
  );
  if (own !== undefined) sources.set('default', own);
  const compiled = [...sources].map(async ([name, source]) => {
    const template = compileTemplate(source, { where: 'chat_template' }).catch((error: unknown) => {
      if (error instanceof HeedError) return error;
      throw error;
    });
    return [name, await template] as const;
  });
  return new Map(await Promise.all(compiled));
}

function chosen(templates: Templates, name: string): CompiledTemplate {
  const template = templates.get(name);
  if (template instanceof HeedError) throw template;
  if (template) return template;
  throw new ConfigError('the tokenizer has no such chat template', {
    seen: name.slice(0, 80),
    expected: [...templates.keys()].join(', ') || 'a model with one',
    fix: "give its text when loading: from_pretrained(id, { chat_template: '...' })",
  });
}

function roleFields(tokenizer: Tokenizer): RoleFields {
  const roles = Object.entries(tokenizer.specialTokens as Required<SpecialTokens>);
  return Object.fromEntries(
    roles.flatMap(([role, id]) => [
      [`${role}_token`, tokenizer.idToToken(id)],
      [`${role}_token_id`, id],
    ]),
  ) as RoleFields;
}

/** What a tokenizer's configuration says about batches. */
interface BatchRules {
  readonly types: boolean;
  readonly left: boolean;
  readonly most: number;
}

function encoded(
  tokenizer: Tokenizer,
  rules: BatchRules,
  text: Texts,
  options: TokenizeOptions,
): BatchEncoding | BatchEncoding<Lists> {
  const {
    text_pair,
    padding = false,
    truncation,
    max_length,
    return_tensor = true,
    add_special_tokens = true,
  } = options;
  const texts = typeof text === 'string' ? [text] : text;
  const pairs = text_pair == null ? undefined : typeof text_pair === 'string' ? [text_pair] : text_pair;
  if (pairs && pairs.length !== texts.length)
    throw new ConfigError('a text_pair for each text', { seen: `${pairs.length}`, expected: `${texts.length}` });
  const limit = Math.min(max_length ?? rules.most, rules.most);
  // A length alone asks for cutting, as there.
  const cuts = truncation ?? (max_length != null && padding === false);
  if (padding === 'max_length' && !Number.isFinite(limit))
    throw new ConfigError('padding to a length that nothing says', { fix: 'give max_length' });
  const rows = tokenizer.encodeBatch(pairs ? texts.map((one, i) => [one, pairs[i]!] as const) : texts, {
    addSpecialTokens: add_special_tokens,
    ...(cuts && Number.isFinite(limit) && { maxLength: limit }),
    ...(padding && {
      padding: padding === 'max_length' ? limit : 'longest',
      paddingSide: rules.left ? 'left' : 'right',
    }),
  });
  const lists = {
    input_ids: rows.map(({ ids }) => ids),
    attention_mask: rows.map(({ attentionMask }) => attentionMask),
    ...((options.return_token_type_ids ?? rules.types) && { token_type_ids: rows.map(({ typeIds }) => typeIds) }),
  };
  const each = <T>(make: (rows: number[][]) => T) =>
    Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, make(list)])) as unknown as BatchEncoding<T>;
  if (!return_tensor) return each<Lists>(list => (typeof text === 'string' ? list[0]! : list));
  if (rows.some(({ ids }) => ids.length !== rows[0]!.ids.length))
    throw new ShapeError('texts of several lengths make no tensor', { fix: 'set padding: true, and truncation: true' });
  return each(int64Rows);
}
