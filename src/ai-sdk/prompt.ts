/**
 * From the messages of a call to the text that a model continues: by its chat template, or for a model without one plainly (see
 * `plainPrompt`).
 */
import { UnsupportedError } from '../errors.ts';
import type { Model } from '../hub/model.ts';
import { type ChatMessage, type ChatOptions, chatPrompt, chatTemplatesOf } from '../tasks/chat-template.ts';
import type { Message, MessagePart, Tool, ToolOutput } from './specification.ts';
import { CALL_BEGIN, CALL_END, callText } from './tool-calls.ts';

export interface Prompt {
  readonly text: string;
  /** Whether the text has the model's own tokens in it already. */
  readonly isComplete: boolean;
  /** Texts after which someone else speaks. */
  readonly stops: readonly string[];
  /** Whether the tools were told to the model in heed's own words, as its template has none for them. */
  readonly describesTools: boolean;
}

/**
 * The prompt of a model for these messages.
 * @throws UnsupportedError for what is no text, ConfigError for messages that the model's template refuses
 */
export async function promptOf(
  model: Model,
  messages: readonly Message[],
  tools: readonly Tool[],
  options: ChatOptions,
  signal?: AbortSignal,
): Promise<Prompt> {
  const chat = messages.flatMap(chatMessages);
  const hasTemplate = options.chatTemplate !== undefined || (await chatTemplatesOf(model, signal)).size > 0;
  if (!hasTemplate) return plainPrompt(chat, tools);
  const all: ChatOptions = { ...options, addGenerationPrompt: true };
  const common = { isComplete: true, stops: [] };
  if (tools.length === 0) return { ...common, text: await chatPrompt(model, chat, all, signal), describesTools: false };
  const text = await chatPrompt(model, chat, { ...all, tools: tools.map(templateTool) }, signal);
  // The messages may name tools too.
  const isTold = text !== (await chatPrompt(model, chat, { ...all, tools: [] }, signal));
  if (isTold && tools.every(({ name }) => text.includes(name))) return { ...common, text, describesTools: false };
  const described = withSystemText(chat, toolsText(tools));
  return { ...common, text: await chatPrompt(model, described, all, signal), describesTools: true };
}

/**
 * The prompt of a model without a chat template. What the system says comes first. One message of the user follows as it is, to be
 * continued; a conversation as paragraphs that begin with `User:`, `Assistant:` or `Tool:`, the last one left open.
 */
function plainPrompt(messages: readonly ChatMessage[], tools: readonly Tool[]): Prompt {
  const isSystem = ({ role }: ChatMessage) => role === 'system';
  const head = messages.filter(isSystem).map(({ content }) => String(content));
  if (tools.length > 0) head.push(toolsText(tools));
  const turns = messages.filter(message => !isSystem(message));
  const isText = turns.length <= 1 && turns[0]?.role !== 'assistant' && tools.length === 0;
  const said = turns.map(turn => (isText ? spoken(turn) : `${capitalised(turn.role)}: ${spoken(turn)}`));
  const text = [...head, ...said, ...(isText ? [] : ['Assistant:'])].join('\n\n');
  const stops = isText ? [] : ['\n\nUser:', '\n\nTool:'];
  return { text, isComplete: false, stops, describesTools: tools.length > 0 };
}
const capitalised = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

function spoken({ content, tool_calls }: ChatMessage): string {
  const calls = ((tool_calls ?? []) as TemplateCall[]).map(call =>
    callText(call.function.name, call.function.arguments),
  );
  return [...(content ? [String(content)] : []), ...calls].join('\n');
}

/** The tools in the words that models of the Hermes kind are trained on. */
const toolsText = (tools: readonly Tool[]) =>
  [
    'These tools can be called:',
    ...tools.map(tool => JSON.stringify(templateTool(tool))),
    `A call is written as ${CALL_BEGIN}{"name": NAME, "arguments": {ARGUMENTS}}${CALL_END}`,
  ].join('\n');

function withSystemText(messages: readonly ChatMessage[], text: string): readonly ChatMessage[] {
  const [first, ...rest] = messages;
  if (first?.role !== 'system') return [{ role: 'system', content: text }, ...messages];
  return [{ ...first, content: `${first.content}\n\n${text}` }, ...rest];
}

/** A call as chat templates take it. */
interface TemplateCall {
  readonly type: 'function';
  readonly id: string | undefined;
  readonly function: { readonly name: string; readonly arguments: unknown };
}
const templateTool = ({ name, description = '', inputSchema }: Tool) => ({
  type: 'function',
  function: { name, description, parameters: inputSchema },
});

/** A message as chat templates take it; each result of a tool becomes one of its own. */
function chatMessages({ role, content }: Message): ChatMessage[] {
  if (typeof content === 'string') return [{ role, content }];
  if (role === 'tool')
    return content
      .filter(({ type }) => type !== 'tool-approval-response')
      .map(({ toolName, toolCallId, output }) => ({
        ...{ role, name: toolName, tool_call_id: toolCallId, content: outputText(output!) },
      }));
  const texts = content.filter(({ type }) => type === 'text').map(({ text }) => text!);
  const thoughts = content.filter(({ type }) => type === 'reasoning').map(({ text }) => text!);
  const calls = content.filter(({ type }) => type === 'tool-call').map(templateCall);
  const other = content.find(({ type }) => !['text', 'reasoning', 'tool-call'].includes(type));
  if (other) throw notText(other.mediaType ?? other.type, role);
  return [
    {
      ...{ role, content: texts.join('\n') },
      ...(thoughts.length > 0 && { reasoning_content: thoughts.join('\n') }),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
  ];
}

const templateCall = ({ toolCallId, toolName, input }: MessagePart): TemplateCall => ({
  type: 'function',
  id: toolCallId,
  function: { name: toolName!, arguments: input },
});

function outputText({ type, value, reason }: ToolOutput): string {
  if (type === 'execution-denied') return reason ?? 'The call was not allowed.';
  if (type !== 'content') return typeof value === 'string' ? value : JSON.stringify(value);
  const parts = value as readonly MessagePart[];
  const other = parts.find(part => part.type !== 'text');
  if (other) throw notText(other.mediaType ?? other.type, 'tool');
  return parts.map(({ text }) => text).join('\n');
}

const notText = (seen: string, role: string) =>
  new UnsupportedError('language models of heed read text only', { seen, where: `a message of the ${role}` });
