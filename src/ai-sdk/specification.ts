/**
 * What heed speaks of the provider specification of the `ai` package, version 3, in its names: `ai` 6 and 7 both take it. Declared
 * here by its structure, so that nothing of the package is needed at run time; a test holds it against the types of both.
 */

/** A part of a message. Which fields there are depends on `type`. */
export interface MessagePart {
  readonly type: string;
  readonly text?: string | undefined;
  readonly toolCallId?: string | undefined;
  readonly toolName?: string | undefined;
  /** Of a `tool-call`: its arguments. */
  readonly input?: unknown;
  /** Of a `tool-result`. */
  readonly output?: ToolOutput | undefined;
  readonly mediaType?: string | undefined;
}
export interface ToolOutput {
  readonly type: string;
  readonly value?: unknown;
  /** Of `execution-denied`. */
  readonly reason?: string | undefined;
}
export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string | readonly MessagePart[];
}
/** A function that the model may call; `provider` tools are those of other providers. */
export interface Tool {
  readonly type: 'function' | 'provider';
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON schema of the arguments. */
  readonly inputSchema?: unknown;
}
export interface LanguageModelCall {
  readonly prompt: readonly Message[];
  readonly maxOutputTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly responseFormat?:
    | { readonly type: 'text' }
    | { readonly type: 'json'; readonly schema?: unknown }
    | undefined;
  readonly seed?: number | undefined;
  readonly tools?: readonly Tool[] | undefined;
  readonly toolChoice?:
    | { readonly type: 'auto' | 'none' | 'required' }
    | { readonly type: 'tool'; readonly toolName: string }
    | undefined;
  readonly abortSignal?: AbortSignal | undefined;
  /** How hard to think; `ai` 7 has it. */
  readonly reasoning?: string | undefined;
  readonly providerOptions?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
}

export type Warning =
  | { type: 'unsupported'; feature: string; details?: string }
  | { type: 'compatibility'; feature: string; details?: string };
export interface FinishReason {
  unified: 'stop' | 'length' | 'tool-calls' | 'other';
  /** What heed calls it. */
  raw: string;
}
export interface Usage {
  inputTokens: {
    total: number;
    noCache: number | undefined;
    cacheRead: number | undefined;
    cacheWrite: number | undefined;
  };
  outputTokens: { total: number; text: number | undefined; reasoning: number | undefined };
}
export interface ToolCall {
  type: 'tool-call';
  toolCallId: string;
  toolName: string;
  /** The arguments as JSON. */
  input: string;
}
/** Under `heed`: what sampling was seeded with, and the times of a generation. */
export type ProviderMetadata = Record<string, Record<string, number>>;

export type StreamPart =
  | { type: 'error'; error: unknown }
  | { type: 'stream-start'; warnings: Warning[] }
  | { type: 'text-start' | 'text-end'; id: string }
  | { type: 'text-delta'; id: string; delta: string }
  | { type: 'tool-input-start'; id: string; toolName: string }
  | { type: 'tool-input-delta'; id: string; delta: string }
  | { type: 'tool-input-end'; id: string }
  | ToolCall
  | FinishPart;
export interface FinishPart {
  type: 'finish';
  finishReason: FinishReason;
  usage: Usage;
  providerMetadata: ProviderMetadata;
}
export interface LanguageModelResult extends Omit<FinishPart, 'type'> {
  content: ({ type: 'text'; text: string } | ToolCall)[];
  warnings: Warning[];
}
export interface LanguageModel {
  readonly specificationVersion: 'v3';
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls: Record<string, RegExp[]>;
  doGenerate(call: LanguageModelCall): Promise<LanguageModelResult>;
  doStream(call: LanguageModelCall): Promise<{ stream: ReadableStream<StreamPart> }>;
}

export interface EmbeddingCall {
  readonly values: readonly string[];
  /** How long vectors are to be; `ai` 7 has it. */
  readonly dimensions?: number | undefined;
  readonly abortSignal?: AbortSignal | undefined;
}
export interface EmbeddingResult {
  embeddings: number[][];
  usage: { tokens: number };
  warnings: Warning[];
}
export interface EmbeddingModel {
  readonly specificationVersion: 'v3';
  readonly provider: string;
  readonly modelId: string;
  readonly maxEmbeddingsPerCall: number;
  readonly supportsParallelCalls: boolean;
  doEmbed(call: EmbeddingCall): Promise<EmbeddingResult>;
}
