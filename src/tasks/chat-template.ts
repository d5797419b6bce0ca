/**
 * From chat messages to the prompt that a model was trained on, by the template in its folder: chat_template.jinja,
 * chat_template.json, tokenizer_config.json or the metadata of a GGUF file. Values and names are those of transformers.
 */
import { ConfigError } from '../errors.ts';
import type { ModelFiles } from '../hub/files.ts';
import { openGgufFile } from '../hub/gguf.ts';
import { readFile, readJson } from '../hub/read-json.ts';
import type { SpecialTokens, Tokenizer } from '../tokenizers/index.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import { type CompiledTemplate, compileTemplate } from '../util/template.ts';

/** A part of a message; templates know what they can show. */
export interface ChatPart {
  readonly type: string;
  readonly text?: string;
  readonly [field: string]: unknown;
}
export interface ChatMessage {
  /** `system`, `user`, `assistant`, `tool`, or what else the template knows. */
  readonly role: string;
  readonly content?: string | readonly ChatPart[] | null;
  /** Such as `tool_calls`, as the template names them. */
  readonly [field: string]: unknown;
}
export interface ChatOptions {
  /** Functions that the model may call, as JSON schemas: `{ type: 'function', function: { name, parameters } }`. */
  readonly tools?: readonly Readonly<Record<string, unknown>>[] | undefined;
  /** Texts to answer from, `{ title, text }`. */
  readonly documents?: readonly Readonly<Record<string, unknown>>[] | undefined;
  /** Whether the model's turn is opened. Default: unless the last message is to be continued. */
  readonly addGenerationPrompt?: boolean | undefined;
  /** The last message goes on where it ends. Default: when it is the assistant's. */
  readonly continueFinalMessage?: boolean | undefined;
  /** A template, or the name of one of several that the folder holds. */
  readonly chatTemplate?: string | undefined;
  /** What else the template reads, such as `{ enable_thinking: false }`. */
  readonly chatTemplateArgs?: Readonly<Record<string, unknown>> | undefined;
}

/** What a chat prompt takes of a `Model`. */
export interface ChatModel {
  readonly tokenizer: Tokenizer;
  readonly parts: { readonly params: unknown; readonly origin?: { readonly files: ModelFiles } | undefined };
}

export const isMessage = (value: unknown): value is ChatMessage =>
  typeof value === 'object' && value !== null && typeof (value as ChatMessage).role === 'string';

/** Whether the prompt of a chat is to end within its last message. */
export function continuesLast(messages: readonly ChatMessage[], options: ChatOptions): boolean {
  return options.continueFinalMessage ?? (messages.at(-1)?.role === 'assistant' && !options.addGenerationPrompt);
}

/** Put behind what is to be continued, to find the place again. */
const MARK = '<<<continue-here>>> ';

/**
 * The text that a model continues after these messages.
 * @throws ConfigError for a model without a template, messages that the template refuses, or options that contradict each other
 */
export async function chatPrompt(
  model: ChatModel,
  messages: readonly ChatMessage[],
  options: ChatOptions = {},
  signal?: AbortSignal,
): Promise<string> {
  return renderChat(await templateOf(model, options, signal), model.tokenizer, messages, options);
}

/** The text of these messages by a template. @throws ConfigError as `chatPrompt` does */
export function renderChat(
  template: CompiledTemplate,
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  options: ChatOptions,
): string {
  const goesOn = continuesLast(messages, options);
  if (goesOn && options.addGenerationPrompt)
    throw new ConfigError('a message cannot be continued behind the opening of another', {
      fix: 'leave addGenerationPrompt or continueFinalMessage out',
    });
  const text = template.render({
    ...specialTexts(tokenizer),
    messages: goesOn ? [...messages.slice(0, -1), marked(messages.at(-1)!)] : messages,
    // As in transformers: templates ask whether they are none, not only whether they are defined.
    tools: options.tools ?? null,
    documents: options.documents ?? null,
    add_generation_prompt: options.addGenerationPrompt ?? !goesOn,
    ...options.chatTemplateArgs,
  });
  if (!goesOn) return text;
  const at = text.lastIndexOf(MARK.trim());
  if (at < 0)
    throw new ConfigError('the template does not show the last message as it is, so it cannot be continued', {
      fix: 'set continueFinalMessage: false',
      where: 'chat_template',
    });
  // A template that takes spaces away at the end takes those before the mark away too.
  return text.startsWith(MARK, at) ? text.slice(0, at) : text.slice(0, at).trimEnd();
}

function marked(message: ChatMessage): ChatMessage {
  const { content } = message;
  if (typeof content === 'string') return { ...message, content: content + MARK };
  const last = content?.findLastIndex(part => typeof part.text === 'string') ?? -1;
  if (!content || last < 0)
    throw new ConfigError('there is no text to continue in the last message', {
      seen: JSON.stringify(message).slice(0, 80),
    });
  return { ...message, content: content.map((part, i) => (i === last ? { ...part, text: part.text + MARK } : part)) };
}

/** `bos_token`, `eos_token` ... by the texts that they have. */
function specialTexts(tokenizer: Tokenizer): Record<string, string> {
  const roles = Object.entries(tokenizer.specialTokens as Required<SpecialTokens>);
  return Object.fromEntries(roles.map(([role, id]) => [`${role}_token`, tokenizer.idToToken(id) ?? '']));
}

/** Compiled templates of each model, by their texts. */
const compiled = new WeakMap<object, Map<string, CompiledTemplate>>();

async function templateOf(model: ChatModel, options: ChatOptions, signal?: AbortSignal): Promise<CompiledTemplate> {
  const { chatTemplate, tools } = options;
  const known = compiled.get(model.parts.params as object) ?? new Map<string, CompiledTemplate>();
  compiled.set(model.parts.params as object, known);
  const source = await sourceOf(model, chatTemplate, tools !== undefined, signal);
  const template = known.get(source) ?? (await compileTemplate(source, { where: 'chat_template' }));
  known.set(source, template);
  return template;
}

async function sourceOf(
  model: ChatModel,
  asked: string | undefined,
  hasTools: boolean,
  signal?: AbortSignal,
): Promise<string> {
  if (asked?.includes('{')) return asked;
  const templates = await chatTemplatesOf(model, signal);
  const name = asked ?? (hasTools && templates.has('tool_use') ? 'tool_use' : 'default');
  const source = templates.get(name);
  if (source !== undefined) return source;
  throw templates.size > 0
    ? new ConfigError('the model has no chat template of this name', {
        seen: name,
        expected: [...templates.keys()].join(', '),
      })
    : new ConfigError('the model has no chat template', {
        expected: 'chat_template.jinja, or chat_template in tokenizer_config.json',
        fix: 'give a text as the prompt, or a template: { chatTemplate }',
        where: model.parts.origin?.files.name,
      });
}

const foldersRead = new WeakMap<object, ReadonlyMap<string, string>>();

/** The templates of a model folder by their names, which are read once; `default` is the one without. */
export async function chatTemplatesOf(model: ChatModel, signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const key = model.parts.params as object;
  const templates = foldersRead.get(key) ?? (await readTemplates(model, signal));
  foldersRead.set(key, templates);
  return templates;
}

async function readTemplates(model: ChatModel, signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const files = model.parts.origin?.files;
  if (!files) return new Map();
  const own = await readFile(files, 'chat_template.jinja', signal);
  if (own) return new Map([['default', decodeUtf8(own, `chat_template.jinja of ${files.name}`)]]);
  const json =
    (await readJson(files, 'chat_template.json', signal)) ?? (await readJson(files, 'tokenizer_config.json', signal));
  const found = namedTemplates(json?.chat_template);
  if (found.size > 0) return found;
  const gguf = await openGgufFile(files, signal);
  if (!gguf) return found;
  const values = [...gguf.head.values].flatMap(([name, value]) => {
    const [, own] = /^tokenizer\.chat_template(?:\.(.+))?$/.exec(name) ?? [name];
    return /^tokenizer\.chat_template/.test(name) && typeof value === 'string'
      ? [[own ?? 'default', value] as const]
      : [];
  });
  await gguf.close();
  return new Map(values);
}

/** A text, or a list of `{ name, template }`. */
function namedTemplates(value: unknown): ReadonlyMap<string, string> {
  if (typeof value === 'string') return new Map([['default', value]]);
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return new Map(
    list.flatMap(entry => {
      const { name, template } = (entry ?? {}) as { readonly name?: unknown; readonly template?: unknown };
      return typeof name === 'string' && typeof template === 'string' ? [[name, template] as const] : [];
    }),
  );
}
