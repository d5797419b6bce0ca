/** What begins with a slash in a chat: commands about the conversation. */
import { readFile, writeFile } from 'node:fs/promises';
import { ConfigError } from '../errors.ts';
import type { GenerateOptions } from '../generate/index.ts';
import { CHECKS } from '../generate/options.ts';
import { type ChatMessage, isMessage } from '../tasks/chat-template.ts';
import { nearest } from '../util/nearest.ts';
import type { ChatSession } from './chat-session.ts';
import type { Option } from './command.ts';
import { LENGTH_OPTIONS, SAMPLING_OPTIONS } from './generation-options.ts';
import { padEnd, wrap } from './layout.ts';
import type { Message, Say } from './messages.ts';
import type { Numbers } from './numbers.ts';
import type { Terminal } from './terminal.ts';

export interface ChatScene {
  readonly session: ChatSession;
  /** The model as it was named. */
  readonly source: string;
  readonly terminal: Terminal;
  readonly say: Say;
  readonly numbers: Numbers;
  readonly signal: AbortSignal;
  /** Tells people something, in JSON too where it is out of the way. */
  tell(text: string): void;
  /** Shows the answer to the last message. */
  answer(): Promise<void>;
}
interface ChatCommand {
  /** What follows the name. */
  readonly takes: string;
  readonly help: Message;
  /** Returns true to end the chat. */
  run(rest: string, scene: ChatScene): Promise<boolean | void>;
}

/** The options of generation that `/set` knows, by the names they have on the command line. */
const SETTINGS: ReadonlyMap<string, keyof GenerateOptions> = new Map(
  Object.entries<Option>({ ...SAMPLING_OPTIONS, ...LENGTH_OPTIONS }).flatMap(([name, { kind, sets }]) =>
    sets !== undefined && (kind === 'number' || kind === 'integer') ? [[name, sets as keyof GenerateOptions]] : [],
  ),
);

const COMMANDS: Readonly<Record<string, ChatCommand>> = {
  set: { takes: 'NAME [VALUE]', help: 'helpSet', run: set },
  show: { takes: '[history]', help: 'helpShow', run: show },
  retry: { takes: '', help: 'helpRetry', run: retry },
  clear: {
    takes: '',
    help: 'helpClear',
    async run(_, { session, say, tell }) {
      session.restart([]);
      tell(say('cleared'));
    },
  },
  save: { takes: 'FILE', help: 'helpSave', run: save },
  load: { takes: 'FILE', help: 'helpLoad', run: loadMessages },
  help: { takes: '', help: 'helpHelp', run: help },
  bye: { takes: '', help: 'helpBye', run: async () => true },
};

/**
 * Runs `/name rest`. Returns true when the chat is to end.
 * @throws ConfigError for a name that there is not and for what the command cannot do
 */
export async function runChatCommand(line: string, scene: ChatScene): Promise<boolean> {
  const [, name = '', rest = ''] = /^\/(\S*)\s*([\s\S]*)$/.exec(line) ?? [];
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : undefined;
  if (command) return (await command.run(rest.trim(), scene)) === true;
  const guess = nearest(name, Object.keys(COMMANDS));
  throw new ConfigError(`there is no /${name}${guess ? `; did you mean /${guess}?` : ''}`, {
    fix: '/help lists what there is; a message that begins with a slash is written with two',
  });
}

/** How a line that begins with a slash may go on. */
export function completions(beginning: string): string[] {
  if (!beginning.startsWith('/')) return [];
  const names = ['system', ...SETTINGS.keys()].map(name => `/set ${name} `);
  return [...Object.keys(COMMANDS).map(name => `/${name}`), ...names, '/show history'].filter(text =>
    beginning.includes(' ') ? text.startsWith(beginning) : !text.includes(' ') && text.startsWith(beginning),
  );
}

async function set(rest: string, scene: ChatScene): Promise<void> {
  const { session, say, tell } = scene;
  const [, name = '', value = ''] = /^(\S*)\s*([\s\S]*)$/.exec(rest) ?? [];
  if (name === '') return tell(settingRows(scene, true).join('\n'));
  if (name === 'system') {
    session.system = value === '' ? undefined : value;
    return tell(value === '' ? `system: ${say('unset')}` : `system: ${value}`);
  }
  const option = SETTINGS.get(name);
  if (!option) {
    const guess = nearest(name, ['system', ...SETTINGS.keys()]);
    throw new ConfigError(`there is no setting ${name}${guess ? `; did you mean ${guess}?` : ''}`, {
      expected: ['system', ...SETTINGS.keys()].join(', '),
    });
  }
  const number = value === '' ? undefined : Number(value);
  const expected = number === undefined ? undefined : CHECKS[option](number);
  if (expected) throw new ConfigError(`${name} cannot be ${value}`, { expected });
  session.settings = { ...session.settings, [option]: number };
  tell(`${name}: ${number ?? say('unset')}`);
}

/** @param all also those that nobody has set */
function settingRows({ session, say, terminal }: ChatScene, all: boolean): string[] {
  const given = session.settings as Readonly<Record<string, unknown>>;
  const defaults = session.model.parts.defaults as Readonly<Record<string, unknown>>;
  const rows = [...SETTINGS].flatMap(([name, option]) => {
    const value = given[option] ?? (session.settings.doSample === false ? undefined : defaults[option]);
    return value === undefined && !all ? [] : [[name, value === undefined ? say('unset') : String(value)] as const];
  });
  return [['system', session.system ?? say('unset')] as const, ...rows].map(
    ([name, value]) => `  ${terminal.paint.dim(padEnd(name, 20))}${wrap(value, terminal.columns, ' '.repeat(22))}`,
  );
}

async function show(rest: string, scene: ChatScene): Promise<void> {
  const { session, source, say, numbers, terminal, signal, tell } = scene;
  const { paint } = terminal;
  if (rest === 'history') {
    const lines = session.messages.map(({ role, content }) => `${paint.bold(role)}: ${String(content)}`);
    return tell(lines.length > 0 ? lines.join('\n') : say('nothingSaid'));
  }
  if (rest !== '') throw new ConfigError(`/show knows no ${rest}`, { expected: '/show or /show history' });
  const used = await session.usedTokens(signal);
  const { contextLength } = session.model;
  const context =
    contextLength === undefined
      ? numbers.count(used)
      : say('ofBytes')
          .replace('{}', numbers.count(contextLength))
          .replace(/^/, `${numbers.count(used)} `);
  const row = (name: string, value: string) => `  ${paint.dim(padEnd(name, 20))}${value}`;
  tell(
    [
      row(say('model'), `${source}, ${session.model.parts.type}`),
      row(say('turns'), session.plain ? say('plainTurnsShort') : say('templateTurns')),
      row(say('messages'), numbers.count(session.messages.length)),
      row(say('context'), `${context} ${say('tokens')}`),
      ...settingRows(scene, false),
    ].join('\n'),
  );
}

async function retry(_: string, { session, answer }: ChatScene): Promise<void> {
  if (!session.undoAnswer()) throw new ConfigError('there is no answer to take back', { fix: 'write a message first' });
  // The same seed would draw the same answer.
  const { seed } = session.settings;
  if (typeof seed === 'number') session.settings = { ...session.settings, seed: seed + 1 };
  await answer();
}

async function save(path: string, { session, say, tell }: ChatScene): Promise<void> {
  if (path === '') throw new ConfigError('/save needs a file', { fix: '/save talk.jsonl' });
  const system: ChatMessage[] = session.system === undefined ? [] : [{ role: 'system', content: session.system }];
  const all = [...system, ...session.messages];
  await writeFile(path, all.map(message => `${JSON.stringify(message)}\n`).join('')).catch((cause: Error) => {
    throw new ConfigError('the conversation cannot be written', { seen: cause.message, where: path, cause });
  });
  tell(say('savedMessages').replace('{}', String(all.length)).replace('{}', path));
}

async function loadMessages(path: string, { session, say, tell }: ChatScene): Promise<void> {
  if (path === '') throw new ConfigError('/load needs a file', { fix: '/load talk.jsonl' });
  const all = await readMessages(path);
  const [first] = all;
  if (first?.role === 'system') session.system = String(first.content);
  session.restart(all.filter(({ role }) => role !== 'system'));
  tell(say('loadedMessages').replace('{}', String(all.length)).replace('{}', path));
}

/** Messages of a file, a JSON line each. @throws ConfigError that names the line that is none */
async function readMessages(path: string): Promise<ChatMessage[]> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new ConfigError('the conversation cannot be read', { seen: cause.message, where: path, cause });
  });
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const message = parsed(line);
    if (isMessage(message) && typeof message.content === 'string') return [message];
    throw new ConfigError('not a message', {
      seen: line.slice(0, 80),
      expected: '{"role": "user", "content": "..."}',
      where: `${path}, line ${i + 1}`,
    });
  });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function help(_: string, { say, terminal, tell }: ChatScene): Promise<void> {
  const rows = Object.entries(COMMANDS).map(
    ([name, { takes, help }]) =>
      `  ${padEnd(`/${name} ${takes}`, 22)}${wrap(say(help), terminal.columns, ' '.repeat(24))}`,
  );
  tell([...rows, '', wrap(say('helpLines'), terminal.columns)].join('\n'));
}
