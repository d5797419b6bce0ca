/** A model of heed as a language model of the `ai` package: text, objects by a schema, calls of tools. */
import type { FinishReason as EndOfText, GenerateStats } from '../generate/index.ts';
import type { Model } from '../hub/model.ts';
import { headOf } from '../models/forward.ts';
import { type CallSettings, callSettings } from './call-settings.ts';
import { type Prompt, promptOf } from './prompt.ts';
import type {
  FinishPart,
  FinishReason,
  LanguageModel,
  LanguageModelCall,
  LanguageModelResult,
  StreamPart,
} from './specification.ts';
import { streamOf } from './stream-of.ts';
import { CALL_BEGIN, ToolCallReader, type Written } from './tool-calls.ts';

/** @param open gives the model, which is loaded at the first call */
export function languageModel(modelId: string, open: (signal?: AbortSignal) => Promise<Model>): LanguageModel {
  const prepare = async (call: LanguageModelCall) => {
    const settings = callSettings(call);
    const model = await open(call.abortSignal);
    const { tools, chat } = settings;
    const prompt = await promptOf(model, call.prompt, tools, chat, call.abortSignal);
    if (prompt.describesTools)
      settings.warnings.push({
        ...{ type: 'compatibility', feature: 'tools' },
        details: 'the prompts of this model have no place for tools; they are described in the text',
      });
    return { warnings: settings.warnings, parts: written(model, prompt, settings) };
  };
  return {
    specificationVersion: 'v3',
    provider: 'heed',
    modelId,
    supportedUrls: {},
    async doGenerate(call) {
      const { parts, warnings } = await prepare(call);
      return { ...(await collected(parts)), warnings };
    },
    async doStream(call) {
      const { parts, warnings } = await prepare(call);
      return { stream: streamOf(withStart(parts, warnings, call.abortSignal)) };
    },
  };
}

/** An error is a part of the stream, as the specification has it; only an abort breaks it off. */
async function* withStart(
  parts: AsyncIterable<StreamPart>,
  warnings: LanguageModelResult['warnings'],
  signal: AbortSignal | undefined,
): AsyncGenerator<StreamPart, void, undefined> {
  yield { type: 'stream-start', warnings };
  try {
    yield* parts;
  } catch (error) {
    if (signal?.aborted) throw error;
    yield { type: 'error', error };
  }
}

/** What the model writes, as parts of a stream; the last one is `finish`. */
async function* written(
  model: Model,
  prompt: Prompt,
  { generation, tools, mustCall }: CallSettings,
): AsyncGenerator<StreamPart, void, undefined> {
  const ids = promptIds(model, prompt, mustCall);
  const stopStrings = [...(generation.stopStrings ?? []), ...(generation.constraint ? [] : prompt.stops)];
  const reader = tools.length > 0 ? new ToolCallReader(tools) : undefined;
  let open: string | undefined;
  let [texts, calls] = [0, 0];
  function* shown(pieces: readonly Written[]): Generator<StreamPart> {
    for (const piece of pieces) {
      if (piece.type === 'text') {
        if (open === undefined) yield { type: 'text-start', id: (open = `${texts++}`) };
        yield { type: 'text-delta', id: open, delta: piece.text };
        continue;
      }
      if (open !== undefined) yield { type: 'text-end', id: open };
      open = undefined;
      calls++;
      yield* callParts(piece.name, piece.input);
    }
  }
  for await (const event of model.generate([ids], { ...generation, stopStrings })) {
    if (event.type !== 'done') {
      if (event.text !== '') yield* shown(reader ? reader.push(event.text) : [{ type: 'text', text: event.text }]);
      continue;
    }
    if (reader) yield* shown(reader.end());
    if (open !== undefined) yield { type: 'text-end', id: open };
    yield finish(event.sequences[0]!.finishReason, event.stats, ids.length, calls > 0);
  }
}

/** A call that has to come is begun, in the way that the prompt speaks of. */
function promptIds(model: Model, { text, isComplete }: Prompt, mustCall: boolean): number[] {
  const { tokenizer } = model;
  if (headOf(model.parts).encode) return tokenizer.encodeIds(text);
  const begun = mustCall && text.includes(CALL_BEGIN) ? `${text}${isComplete ? '' : '\n'}${CALL_BEGIN}\n` : text;
  return isComplete ? tokenizer.encodeIds(begun, { addSpecialTokens: false }) : model.promptIds(begun);
}

function* callParts(toolName: string, input: string): Generator<StreamPart> {
  const id = `call_${Array.from(crypto.getRandomValues(new Uint8Array(12)), byte => byte.toString(16).padStart(2, '0')).join('')}`;
  yield { type: 'tool-input-start', id, toolName };
  yield { type: 'tool-input-delta', id, delta: input };
  yield { type: 'tool-input-end', id };
  yield { type: 'tool-call', toolCallId: id, toolName, input };
}

function finish(raw: EndOfText, stats: GenerateStats, promptTokens: number, hasCalls: boolean): FinishPart {
  const { newTokens, cachedTokens = 0, promptMs, generationMs, seed } = stats;
  const unified: FinishReason['unified'] = hasCalls ? 'tool-calls' : raw === 'time' ? 'other' : raw;
  return {
    type: 'finish',
    finishReason: { unified, raw },
    usage: {
      inputTokens: {
        ...{ total: promptTokens, noCache: promptTokens - cachedTokens },
        ...{ cacheRead: cachedTokens, cacheWrite: undefined },
      },
      outputTokens: { total: newTokens, text: newTokens, reasoning: undefined },
    },
    providerMetadata: { heed: { promptMs, generationMs, ...(typeof seed === 'number' && { seed }) } },
  };
}

async function collected(parts: AsyncIterable<StreamPart>): Promise<Omit<LanguageModelResult, 'warnings'>> {
  const content: LanguageModelResult['content'] = [];
  let end: FinishPart | undefined;
  for await (const part of parts) {
    if (part.type === 'text-start') content.push({ type: 'text', text: '' });
    else if (part.type === 'text-delta') (content.at(-1) as { text: string }).text += part.delta;
    else if (part.type === 'tool-call') content.push(part);
    else if (part.type === 'finish') end = part;
  }
  const { type: _, ...rest } = end!;
  return { content, ...rest };
}
