/** All commands: one line each, loaded when it is called. */
import { type Command, UsageError } from '../command.ts';
import { nearest } from '../nearest.ts';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const COMMANDS: readonly CommandEntry[] = [
  { name: 'run', summary: 'continue a text', load: async () => (await import('./run.ts')).run },
  {
    name: 'tokenize',
    summary: 'cut a text into tokens, or put tokens together',
    load: async () => (await import('./tokenize.ts')).tokenize,
  },
  {
    name: 'tokenizer',
    summary: 'train a tokenizer on texts of your own',
    load: async () => (await import('./tokenizer.ts')).tokenizer,
  },
  {
    name: 'inspect',
    summary: 'what is in a model: configuration, parameters, memory',
    load: async () => (await import('./inspect.ts')).inspect,
  },
  {
    name: 'trace',
    summary: 'every intermediate value of a model, by name',
    load: async () => (await import('./trace.ts')).trace,
  },
  {
    name: 'pull',
    summary: 'download a model from the hub',
    load: async () => (await import('./pull.ts')).pull,
  },
  { name: 'ls', summary: 'the models that were downloaded', load: async () => (await import('./ls.ts')).ls },
  { name: 'rm', summary: 'remove a downloaded model', load: async () => (await import('./rm.ts')).rm },
  {
    name: 'verify',
    summary: 'check a downloaded model against its checksums',
    load: async () => (await import('./verify.ts')).verify,
  },
  {
    name: 'doctor',
    summary: 'what this machine can do, and whether it does it right',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'help',
    summary: 'options and examples of a command',
    load: async () => (await import('./help.ts')).help,
  },
];

/** Loads a command. @throws UsageError for a name that none has, with the one that was meant */
export async function commandNamed(name: string): Promise<Command> {
  const entry = COMMANDS.find(command => command.name === name);
  if (entry) return entry.load();
  const guess = nearest(
    name,
    COMMANDS.map(command => command.name),
  );
  const kind = name.startsWith('-') ? 'option' : 'command';
  throw new UsageError(`unknown ${kind} ${name}${guess ? `; did you mean heed ${guess}?` : ''}`);
}
