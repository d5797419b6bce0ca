/** `AutoTokenizer`: a tokenizer as a function from texts to tensors. */
import { ConfigError, ShapeError, TokenizerError } from '../errors.ts';
import type { ModelFiles } from '../hub/files.ts';
import { openGgufModel } from '../hub/gguf.ts';
import { readTokenizer } from '../hub/load.ts';
import { readJson } from '../hub/read-json.ts';
import { type ChatMessage, chatPrompt } from '../tasks/chat-template.ts';
import type { SpecialTokens, Tokenizer } from '../tokenizers/index.ts';
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
    options?: ChatTemplateOptions,
  ): Promise<string | Tensor | Lists | BatchEncoding | BatchEncoding<Lists>>;
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
    const files = filesOf(source, options);
    const gguf = await openGgufModel(files, options.signal);
    await gguf?.checkpoint.close();
    const { tokenizer, tokenizerProblem } = await readTokenizer(files, gguf, options.signal);
    if (tokenizerProblem) throw tokenizerProblem;
    if (!tokenizer) throw new TokenizerError('the model has no tokenizer', { where: files.name });
    return callableTokenizer(tokenizer, files);
  },
};

/** A tokenizer of heed's in the form of transformers.js. */
export async function callableTokenizer(tokenizer: Tokenizer, files?: ModelFiles): Promise<PreTrainedTokenizer> {
  const config = (files && (await readJson(files, 'tokenizer_config.json'))) ?? {};
  const { model_max_length, padding_side, tokenizer_class } = config as Readonly<Record<string, unknown>>;
  const most = typeof model_max_length === 'number' ? model_max_length : Number.POSITIVE_INFINITY;
  const says = { types: SAYS_TYPES.test(String(tokenizer_class)), left: padding_side === 'left', most };
  const decode = (ids: Ids, { skip_special_tokens, clean_up_tokenization_spaces }: DecodeOptions = {}) =>
    tokenizer.decode(ids instanceof Tensor ? ids.numbers() : Array.from(ids, Number), {
      skipSpecialTokens: skip_special_tokens ?? false,
      ...(clean_up_tokenization_spaces !== undefined && { cleanUpSpaces: clean_up_tokenization_spaces }),
    });
  const call = (text: Texts, options: TokenizeOptions = {}) => encoded(tokenizer, says, text, options);
  const rest = {
    tokenizer,
    model_max_length: most,
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
    async apply_chat_template(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}) {
      const { chat_template, tools, documents, add_generation_prompt = false, ...more } = options;
      const { tokenize = true, return_dict = true, padding, truncation, max_length, return_tensor, ...args } = more;
      const model = { tokenizer, parts: { params: tokenizer, ...(files && { origin: { files } }) } };
      const text = await chatPrompt(model, messages, {
        ...{ chatTemplate: chat_template ?? undefined, tools: tools ?? undefined, documents: documents ?? undefined },
        ...{ addGenerationPrompt: add_generation_prompt, continueFinalMessage: false, chatTemplateArgs: args },
      });
      if (!tokenize) return text;
      const ids = call(text, { padding, truncation, max_length, return_tensor, add_special_tokens: false });
      return return_dict ? ids : ids.input_ids;
    },
  };
  return Object.assign(call, rest) as unknown as PreTrainedTokenizer;
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
  if (padding === 'max_length' && !Number.isFinite(limit))
    throw new ConfigError('padding to a length that nothing says', { fix: 'give max_length' });
  const rows = tokenizer.encodeBatch(pairs ? texts.map((one, i) => [one, pairs[i]!] as const) : texts, {
    addSpecialTokens: add_special_tokens,
    ...(truncation && Number.isFinite(limit) && { maxLength: limit }),
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
