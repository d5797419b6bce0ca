/** From the settings of a call to those of a generation: what they mean, what is warned of, what JSON is held to. */
import { ConfigError } from '../errors.ts';
import { type Constraint, type GenerateTextOptions, jsonSchema } from '../generate/index.ts';
import type { ChatOptions } from '../tasks/chat-template.ts';
import { checkOptions, list, object, text } from '../tasks/option-checks.ts';
import type { LanguageModelCall, Tool, Warning } from './specification.ts';
import { callSchema, moved } from './tool-calls.ts';

export interface CallSettings {
  readonly generation: GenerateTextOptions;
  readonly chat: ChatOptions;
  /** Tools that the model is told of. */
  readonly tools: readonly Tool[];
  /** Whether a tool has to be called. */
  readonly mustCall: boolean;
  readonly warnings: Warning[];
}

/**
 * `providerOptions: { heed: ... }` may hold any option of a generation, such as `minP` or `numBeams`, and `chatTemplate`,
 * `chatTemplateArgs`, `documents`.
 * @throws ConfigError for a tool that there is not, a schema that cannot be held to, and options that are none
 */
export function callSettings(call: LanguageModelCall): CallSettings {
  const { toolChoice = { type: 'auto' }, reasoning = 'provider-default', responseFormat } = call;
  const { heed = {} } = call.providerOptions ?? {};
  checkOptions('providerOptions.heed', heed, { chatTemplate: text, chatTemplateArgs: object, documents: list }, true);
  const { chatTemplate, chatTemplateArgs, documents, ...own } = heed as ChatOptions & GenerateTextOptions;
  const warnings: Warning[] = [];
  if (reasoning !== 'provider-default')
    warnings.push({
      ...{ type: 'unsupported', feature: 'reasoning' },
      details: 'how hard a model thinks is for its chat template: providerOptions.heed.chatTemplateArgs',
    });
  const given = toolChoice.type === 'none' ? [] : (call.tools ?? []);
  const tools = given.filter(({ type, name }) => {
    if (type === 'function') return true;
    warnings.push({ type: 'unsupported', feature: `tool ${name}`, details: 'a tool of another provider' });
    return false;
  });
  const mustCall = toolChoice.type === 'required' || toolChoice.type === 'tool';
  const callable = toolChoice.type === 'tool' ? tools.filter(({ name }) => name === toolChoice.toolName) : tools;
  if (mustCall && callable.length === 0)
    throw new ConfigError('there is no such tool to call', {
      seen: toolChoice.type === 'tool' ? toolChoice.toolName : 'no tools',
      expected: tools.map(({ name }) => name).join(', ') || 'tools',
      where: 'toolChoice',
    });
  const constraint =
    mustCall || responseFormat?.type === 'json' ? outputOf(callable, mustCall, responseFormat) : undefined;
  return {
    generation: {
      maxNewTokens: call.maxOutputTokens,
      temperature: call.temperature,
      topP: call.topP,
      topK: call.topK,
      presencePenalty: call.presencePenalty,
      frequencyPenalty: call.frequencyPenalty,
      seed: call.seed,
      stopStrings: call.stopSequences,
      signal: call.abortSignal,
      ...(constraint && { constraint }),
      ...own,
    },
    chat: { chatTemplate, chatTemplateArgs, documents },
    ...{ tools, mustCall, warnings },
  };
}

/** JSON that is a call of one of the tools, or if none has to be called the answer. */
function outputOf(tools: readonly Tool[], mustCall: boolean, format: LanguageModelCall['responseFormat']): Constraint {
  const schema = format?.type === 'json' ? (format.schema ?? true) : true;
  if (tools.length === 0) return constraintOf(schema);
  const calls = tools.map((tool, i) => callSchema(tool, `#/anyOf/${i}`));
  return constraintOf({ anyOf: mustCall ? calls : [...calls, moved(schema, `#/anyOf/${calls.length}`)] });
}

const MOST_CONSTRAINTS = 32;
const constraints = new Map<string, Constraint>();

/** The constraint of a schema, and with it what was made of it for a vocabulary, is kept for the next call. */
function constraintOf(schema: unknown): Constraint {
  const key = JSON.stringify(schema);
  const constraint = constraints.get(key) ?? jsonSchema(schema);
  constraints.delete(key);
  constraints.set(key, constraint);
  if (constraints.size > MOST_CONSTRAINTS) constraints.delete(constraints.keys().next().value!);
  return constraint;
}
