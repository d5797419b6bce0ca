/** Text generation: what a language model writes after a text, or answers in a chat. */
import type { GenerateTextOptions, TextEvent } from '../generate/index.ts';
import type { Model } from '../hub/model.ts';
import { type ChatMessage, type ChatOptions, chatPrompt, continuesLast, isMessage } from './chat-template.ts';
import { type GenerateCallOptions, generateTexts } from './generate-batches.ts';
import { flag, list, object, text } from './option-checks.ts';
import { type Calls, defineTask, type StreamOptions, type Streams } from './task.ts';

interface OwnOptions extends ChatOptions {
  /** Whether the result begins with the prompt (of a chat: the messages). Default true. */
  readonly returnFullText?: boolean | undefined;
  /** Whether the model's own tokens are put around a text. Default true; chats have those of their template. */
  readonly addSpecialTokens?: boolean | undefined;
}
export type TextGenerationOptions = GenerateCallOptions & OwnOptions;

export interface WrittenText {
  readonly generatedText: string;
}
/** The messages with the answer behind them, or with `returnFullText: false` the answer's text alone. */
export interface WrittenChat {
  readonly generatedText: readonly ChatMessage[];
}
type Chat = readonly ChatMessage[];
type Full = TextGenerationOptions & { readonly returnFullText?: true | undefined };
/** One text, or as many as `numReturnSequences` asks for. */
export type TextGeneration = Calls<string, TextGenerationOptions, WrittenText[]> &
  Calls<Chat, Full, WrittenChat[]> &
  Calls<Chat, TextGenerationOptions, (WrittenText | WrittenChat)[]> &
  Streams<string | Chat, TextGenerationOptions, TextEvent>;

type Input = string | Chat;

export const task = defineTask<Input, TextGenerationOptions, (WrittenText | WrittenChat)[], TextEvent>({
  name: 'text-generation',
  heads: ['causalLM'],
  modality: 'text',
  expects: 'a text, or the messages of a chat, [{ role, content }]',
  isInput: (value): value is Input =>
    typeof value === 'string' || (Array.isArray(value) && value.length > 0 && value.every(isMessage)),
  mayBeEmpty: true,
  options: {
    ...{ returnFullText: flag, addSpecialTokens: flag, tools: list, documents: list, addGenerationPrompt: flag },
    ...{ continueFinalMessage: flag, chatTemplate: text, chatTemplateArgs: object },
  },
  generates: true,
  async run(model, inputs, options) {
    const { own, generation } = separated(options);
    const prompts: number[][] = [];
    for (const input of inputs) prompts.push(await promptIds(model, input, own, options.signal));
    const written = await generateTexts(model, prompts, generation);
    return written.map(
      (sequences, i) =>
        sequences.map(({ text }) => ({ generatedText: resultOf(inputs[i]!, text, own) })) as (
          | WrittenText
          | WrittenChat
        )[],
    );
  },
  async *stream(model, input, options) {
    const { own, generation } = separated(options);
    yield* model.generate([await promptIds(model, input, own, options.signal)], generation);
  },
});

/** The options of this task, and those of the generation. */
function separated<O extends StreamOptions<TextGenerationOptions>>(options: O) {
  const { returnFullText, addSpecialTokens, tools, documents, addGenerationPrompt, ...rest } = options;
  const { continueFinalMessage, chatTemplate, chatTemplateArgs, ...generation } = rest;
  const own: OwnOptions = {
    ...{ returnFullText, addSpecialTokens, tools, documents, addGenerationPrompt },
    ...{ continueFinalMessage, chatTemplate, chatTemplateArgs },
  };
  return { own, generation: generation as GenerateTextOptions };
}

/** The ids that the model continues. */
async function promptIds(model: Model, input: Input, options: OwnOptions, signal?: AbortSignal): Promise<number[]> {
  if (typeof input !== 'string')
    return model.tokenizer.encodeIds(await chatPrompt(model, input, options, signal), { addSpecialTokens: false });
  const bare = options.addSpecialTokens === false ? model.tokenizer.encodeIds(input, { addSpecialTokens: false }) : [];
  return bare.length > 0 ? bare : model.promptIds(input);
}

function resultOf(input: Input, text: string, options: OwnOptions): string | Chat {
  if (options.returnFullText === false) return text;
  if (typeof input === 'string') return input + text;
  if (!continuesLast(input, options)) return [...input, { role: 'assistant', content: text }];
  return [...input.slice(0, -1), withMore(input.at(-1)!, text)];
}

/** A message that goes on with a text. */
function withMore(message: ChatMessage, text: string): ChatMessage {
  const { content } = message;
  if (typeof content === 'string' || !content) return { ...message, content: (content ?? '') + text };
  const last = content.findLastIndex(part => typeof part.text === 'string');
  return { ...message, content: content.map((part, i) => (i === last ? { ...part, text: part.text + text } : part)) };
}
