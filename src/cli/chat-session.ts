/**
 * A conversation with a language model: its messages, what of them still fits the context, and the next answer. What the
 * model has read stays in a prompt cache, so that a turn reads only what is new.
 */
import { ConfigError } from '../errors.ts';
import type { FinishReason, GenerateStats, GenerateTextOptions, PromptCache } from '../generate/index.ts';
import type { Model } from '../hub/model.ts';
import { type ChatMessage, chatPrompt, chatTemplatesOf } from '../tasks/chat-template.ts';

/**
 * The turns of a model that has no chat template: each message is a line, with nothing around it, and the answer is the
 * line that follows.
 */
const PLAIN_TURNS = '{% for message in messages %}{{ message.content }}\n{% endfor %}';
/** Most tokens of an answer where nobody says how many. */
const ANSWER_TOKENS = 256;
/** Messages leave the context until this share of it is free for the answer, or what the answer may take. */
const FREE_SHARE = 1 / 4;

export interface Answer {
  readonly text: string;
  readonly finishReason: FinishReason | 'interrupted';
  /** Undefined for an answer that was interrupted. */
  readonly stats: GenerateStats | undefined;
  /** It ends where the context does. */
  readonly contextFull: boolean;
}
export type ChatEvent =
  /** The oldest messages were left out, so many of them. */
  | { readonly type: 'dropped'; readonly messages: number }
  | { readonly type: 'text'; readonly text: string }
  | ({ readonly type: 'answer' } & Answer);

export class ChatSession {
  readonly model: Model;
  /** Whether the model has no template of its own and none was given. */
  readonly plain: boolean;
  system: string | undefined;
  settings: GenerateTextOptions = {};
  readonly #template: string | undefined;
  readonly #cache: PromptCache;
  #messages: ChatMessage[] = [];
  /** Messages before this one no longer fit the context. */
  #first = 0;

  private constructor(model: Model, plain: boolean, template: string | undefined) {
    this.model = model;
    this.plain = plain;
    this.#template = plain ? PLAIN_TURNS : template;
    this.#cache = model.promptCache();
  }
  /** @param template Jinja, or the name of one of the model's own. @throws ConfigError for a model that writes no text */
  static async open(model: Model, template: string | undefined, signal: AbortSignal): Promise<ChatSession> {
    const plain = template === undefined && (await chatTemplatesOf(model, signal)).size === 0;
    return new ChatSession(model, plain, template);
  }

  /** Of all turns, also those that the model no longer sees; the system message is `system`. */
  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }
  /** Another conversation in the place of this one. */
  restart(messages: readonly ChatMessage[]): void {
    this.#messages = [...messages];
    this.#first = 0;
  }
  /** Takes the last answer back. Returns false when there is none. */
  undoAnswer(): boolean {
    if (this.#messages.at(-1)?.role !== 'assistant') return false;
    this.#messages.pop();
    return true;
  }
  /** Tokens of the conversation as the model would read it now. */
  async usedTokens(signal: AbortSignal): Promise<number> {
    return this.#messages.length === 0 && this.system === undefined ? 0 : (await this.#promptIds(signal)).length;
  }

  /** Adds a message and streams the answer to it; see `answer`. A message that cannot be answered is taken back. */
  async *send(text: string, signal: AbortSignal): AsyncGenerator<ChatEvent, void, undefined> {
    this.#messages.push({ role: 'user', content: text });
    try {
      yield* this.answer(signal);
    } catch (error) {
      this.#messages.pop();
      throw error;
    }
  }
  /**
   * Streams the answer to the last message. When `signal` is aborted, what was written until then is the answer.
   * @throws ConfigError when the last message alone is too long for the context, or the template refuses the messages
   */
  async *answer(signal: AbortSignal): AsyncGenerator<ChatEvent, void, undefined> {
    const { contextLength = Number.POSITIVE_INFINITY, parts } = this.model;
    const wanted = this.settings.maxNewTokens ?? parts.defaults.maxNewTokens ?? ANSWER_TOKENS;
    const free = Math.min(wanted, Math.floor(contextLength * FREE_SHARE));
    const before = this.#first;
    let ids = await this.#promptIds(signal);
    while (ids.length + free > contextLength && this.#dropOldest()) ids = await this.#promptIds(signal);
    if (this.#first > before) yield { type: 'dropped', messages: this.#first - before };
    if (ids.length >= contextLength)
      throw new ConfigError('the message is too long for this model', {
        seen: `${ids.length} tokens${this.system === undefined ? '' : ' with the system message'}`,
        expected: `fewer than ${contextLength}`,
        fix: 'send a shorter one',
      });
    const options = {
      ...this.settings,
      ...(this.plain && { stopStrings: '\n' }),
      maxNewTokens: Math.min(wanted, contextLength - ids.length),
      ...{ numBeams: 1, numReturnSequences: 1, cache: this.#cache, signal },
    };
    let text = '';
    let answer: Answer | undefined;
    try {
      for await (const event of this.model.generate([ids], options)) {
        text += event.text;
        if (event.text) yield { type: 'text', text: event.text };
        if (event.type !== 'done') continue;
        const { stats, sequences } = event;
        const contextFull = ids.length + stats.newTokens >= contextLength;
        answer = { text, finishReason: sequences[0]!.finishReason, stats, contextFull };
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    answer ??= { text, finishReason: 'interrupted', stats: undefined, contextFull: false };
    this.#messages.push({ role: 'assistant', content: text });
    yield { type: 'answer', ...answer };
  }
  dispose(): void {
    this.#cache.dispose();
  }

  /** Leaves the oldest turn out, up to the next message of the user's. Returns false when there is only the last one. */
  #dropOldest(): boolean {
    const next = this.#messages.findIndex(({ role }, i) => i > this.#first && role === 'user');
    if (next < 0) return false;
    this.#first = next;
    return true;
  }
  async #promptIds(signal: AbortSignal): Promise<number[]> {
    const system = this.system === undefined ? [] : [{ role: 'system', content: this.system }];
    const messages = [...system, ...this.#messages.slice(this.#first)];
    const text = await chatPrompt(this.model, messages, { chatTemplate: this.#template }, signal);
    // A template writes the model's start tokens itself.
    return this.plain ? this.model.promptIds(text) : this.model.tokenizer.encodeIds(text, { addSpecialTokens: false });
  }
}
