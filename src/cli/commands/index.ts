/** All commands: one line each, loaded when it is called. */

import { nearest } from '../../util/nearest.ts';
import { type Command, UsageError } from '../command.ts';

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
    name: 'train',
    summary: 'train a model from nothing on texts of your own',
    load: async () => (await import('./train.ts')).train,
  },
  {
    name: 'finetune',
    summary: 'train a model further: all of it, parts, or an adapter',
    load: async () => (await import('./finetune.ts')).finetune,
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
    name: 'quantize',
    summary: 'write a model as a GGUF file with smaller weights',
    load: async () => (await import('./quantize.ts')).quantize,
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
