/** All commands: one line each, loaded when it is called. */
import type { Command } from '../command.ts';

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
    name: 'doctor',
    summary: 'what this machine can do, and whether it does it right',
    load: async () => (await import('./doctor.ts')).doctor,
  },
];
