/** `heed chat`: a conversation, line by line, typed or piped in. */
import { readFile } from 'node:fs/promises';
import { HeedError } from '../../errors.ts';
import { type ChatScene, completions, runChatCommand } from '../chat-commands.ts';
import { openChatHistory } from '../chat-history.ts';
import { type ChatEvent, ChatSession } from '../chat-session.ts';
import { defineCommand, grouped, UsageError } from '../command.ts';
import { contradiction, generationSettings, LENGTH_OPTIONS, SAMPLING_OPTIONS } from '../generation-options.ts';
import { wrap } from '../layout.ts';
import type { InputLine, LineReader } from '../line-reader.ts';
import { reportError } from '../report-error.ts';
import { TASK_OPTIONS, type TaskScene, withTask } from '../task-call.ts';

const { overflow: _, ...LENGTH } = LENGTH_OPTIONS;
const OPTIONS = {
  ...grouped('Conversation', {
    system: { kind: 'text', value: 'TEXT', help: 'what the model is to be, said before the first message' },
    load: { kind: 'text', value: 'FILE', help: 'go on with a conversation that /save has written' },
    template: {
      kind: 'text',
      value: 'FILE',
      help: "chat template in Jinja, or the name of one of the model's (default: the model's own; without one each message is a line, and so is the answer)",
    },
  }),
  ...SAMPLING_OPTIONS,
  ...LENGTH,
  ...TASK_OPTIONS,
  ...grouped('Output', {
    json: { kind: 'flag', help: 'print a JSON line for each answer' },
    quiet: { kind: 'flag', short: 'q', help: 'nothing but the answers' },
  }),
} as const;

export const chat = defineCommand({
  name: 'chat',
  summary:
    'talks with a language model. A line is a message; """ begins and ends one of several lines, as does a backslash at the end of a line. /help lists what else can be done, /bye or Ctrl-D leaves, Ctrl-C stops an answer.',
  positionals: [
    { name: 'MODEL', help: 'a language model: kleinwelt-llama, a folder, or a model on the hub, org/name' },
  ],
  options: OPTIONS,
  examples: [
    { line: 'heed chat kleinwelt-llama', does: 'a conversation, until /bye' },
    { line: 'heed chat kleinwelt-llama -t 0.8 --seed 1', does: 'answers that are drawn, and can be repeated' },
    { line: 'heed chat kleinwelt-llama --json < examples/data/sentences.txt', does: 'a JSON line for each line' },
  ],
  async run({ values, positionals: [source], terminal, signal }) {
    const problem = contradiction(values);
    if (problem) throw new UsageError(problem, 'chat');
    const template = values.template === undefined ? undefined : await templateIn(values.template);
    const call = { name: 'chat', source: source!, values, terminal, signal };
    let code = 0;
    await withTask(call, 'text-generation', async (pipe, scene) => {
      const session = await ChatSession.open(pipe.model, template, signal);
      session.system = values.system;
      session.settings = generationSettings(OPTIONS, values);
      try {
        code = await converse(session, source!, scene, values);
      } finally {
        session.dispose();
      }
    });
    return code;
  },
});

/** A template is a file where there is such a file. */
const templateIn = (name: string): Promise<string> => readFile(name, 'utf8').catch(() => name);

interface How {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly load: string | undefined;
}

async function converse(session: ChatSession, source: string, scene: TaskScene, how: How): Promise<number> {
  const { terminal, say, signal } = scene;
  const { keyboard, paint } = terminal;
  const told = (text: string) => (how.json || !terminal.interactive ? terminal.note : terminal.write)(`${text}\n`);
  const aside = (text: string) => {
    if (!how.quiet) told(paint.dim(wrap(text, terminal.columns)));
  };
  /** Shows the events of an answer; Ctrl-C ends it where somebody can type on. */
  const show = async (events: (signal: AbortSignal) => AsyncIterable<ChatEvent>) => {
    const stop = new AbortController();
    const release = keyboard ? terminal.catchInterrupt(() => stop.abort()) : undefined;
    let last = '';
    try {
      for await (const event of events(AbortSignal.any([signal, stop.signal]))) {
        if (event.type === 'dropped') aside(say('dropped').replace('{}', String(event.messages)));
        if (event.type === 'text' && !how.json) {
          terminal.write(event.text);
          last = event.text;
        }
        if (event.type !== 'answer') continue;
        const { text, finishReason, stats, contextFull } = event;
        if (how.json) terminal.write(`${JSON.stringify({ role: 'assistant', content: text, finishReason, stats })}\n`);
        else if (!last.endsWith('\n')) terminal.write('\n');
        if (finishReason === 'length') aside(say(contextFull ? 'contextFull' : 'answerCut'));
      }
    } finally {
      release?.();
    }
    signal.throwIfAborted();
  };
  const chatScene: ChatScene = { ...scene, session, source, tell: told, answer: () => show(s => session.answer(s)) };
  if (how.load !== undefined) await runChatCommand(`/load ${how.load}`, { ...chatScene, tell: aside });
  if (keyboard) aside(`${source}, ${session.model.parts.type}. ${say('chatHint')}`);
  if (session.plain) aside(say('plainTurns'));
  const history = await openChatHistory(terminal.env);
  const reader = await terminal.lines({ history: keyboard ? history.lines : [], complete: completions });
  try {
    for (;;) {
      const message = await nextMessage(reader, paint.cyan('> '), paint.dim('. '), signal);
      if (message === undefined) break;
      if (message.trim() === '') continue;
      if (keyboard) await history.add(message.replaceAll('\n', ' '));
      try {
        if (!message.startsWith('/')) await show(s => session.send(message, s));
        else if (message.startsWith('//')) await show(s => session.send(message.slice(1), s));
        else if (await runChatCommand(message, chatScene)) break;
      } catch (error) {
        if (!(error instanceof HeedError)) throw error;
        const code = reportError(error, terminal, { stack: false });
        // Who sits before it can do it otherwise; a program wants to know.
        if (!keyboard) return code;
      }
    }
  } finally {
    reader.close();
  }
  return 0;
}

const FENCE = '"""';

/** A message of one or of several lines; undefined when there will be none any more. */
async function nextMessage(
  reader: LineReader,
  prompt: string,
  more: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const lines: string[] = [];
  let fenced = false;
  for (;;) {
    const line: InputLine = await reader.next(lines.length > 0 || fenced ? more : prompt, signal);
    if (line.type === 'end') return lines.length > 0 ? lines.join('\n') : undefined;
    if (line.type === 'interrupt') {
      // What was begun is dropped; with nothing to drop it is a good-bye.
      if (line.text === '' && lines.length === 0 && !fenced) return undefined;
      return '';
    }
    let { text } = line;
    if (!fenced && lines.length === 0 && text.trimStart().startsWith(FENCE)) {
      fenced = true;
      text = text.trimStart().slice(FENCE.length);
      if (text === '') continue;
    }
    if (fenced && text.trimEnd().endsWith(FENCE)) {
      const last = text.trimEnd().slice(0, -FENCE.length);
      return [...lines, ...(last === '' ? [] : [last])].join('\n');
    }
    if (!fenced && text.endsWith('\\')) lines.push(text.slice(0, -1));
    else if (fenced) lines.push(text);
    else return [...lines, text].join('\n');
  }
}
