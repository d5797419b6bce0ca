/** All commands: one line each, loaded when it is called. */

import { nearest } from '../../util/nearest.ts';
import { type Command, UsageError } from '../command.ts';

export interface CommandEntry {
  /** Heading under which the overview lists it. */
  readonly group: string;
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    group: 'Write',
    name: 'run',
    summary: 'continue a text',
    load: async () => (await import('./run.ts')).run,
  },
  {
    group: 'Write',
    name: 'chat',
    summary: 'talk with a language model',
    load: async () => (await import('./chat.ts')).chat,
  },
  {
    group: 'Write',
    name: 'complete',
    summary: 'write what follows a text, and nothing else',
    load: async () => (await import('./complete.ts')).complete,
  },
  {
    group: 'Write',
    name: 'denoise',
    summary: 'write a text by diffusion, step by step',
    load: async () => (await import('./denoise.ts')).denoise,
  },
  {
    group: 'Write',
    name: 'edit',
    summary: 'correct a text by edit diffusion, step by step',
    load: async () => (await import('./edit.ts')).edit,
  },
  {
    group: 'Write',
    name: 'translate',
    summary: 'translate texts',
    load: async () => (await import('./translate.ts')).translate,
  },
  {
    group: 'Write',
    name: 'summarize',
    summary: 'write a short text for a long one',
    load: async () => (await import('./summarize.ts')).summarize,
  },
  {
    group: 'Write',
    name: 'transcribe',
    summary: 'write down what is said in a recording',
    load: async () => (await import('./transcribe.ts')).transcribe,
  },
  {
    group: 'Read',
    name: 'fill',
    summary: 'find the words behind masks',
    load: async () => (await import('./fill.ts')).fill,
  },
  {
    group: 'Read',
    name: 'classify',
    summary: 'say what class a text or a picture is of',
    load: async () => (await import('./classify.ts')).classify,
  },
  {
    group: 'Read',
    name: 'tokens',
    summary: 'mark the entities of a text',
    load: async () => (await import('./tokens.ts')).tokens,
  },
  {
    group: 'Read',
    name: 'answer',
    summary: 'find the answer to a question in a text',
    load: async () => (await import('./answer.ts')).answer,
  },
  {
    group: 'Read',
    name: 'embed',
    summary: 'give texts as vectors, and compare them',
    load: async () => (await import('./embed.ts')).embed,
  },
  {
    group: 'Read',
    name: 'rank',
    summary: 'order texts by how well they fit a query',
    load: async () => (await import('./rank.ts')).rank,
  },
  {
    group: 'Look inside',
    name: 'tokenize',
    summary: 'cut a text into tokens, or put tokens together',
    load: async () => (await import('./tokenize.ts')).tokenize,
  },
  {
    group: 'Look inside',
    name: 'inspect',
    summary: 'what is in a model: configuration, parameters, memory',
    load: async () => (await import('./inspect.ts')).inspect,
  },
  {
    group: 'Look inside',
    name: 'trace',
    summary: 'every intermediate value of a model, by name',
    load: async () => (await import('./trace.ts')).trace,
  },
  {
    group: 'Look inside',
    name: 'heads',
    summary: 'what each attention head does, and what is lost without it',
    load: async () => (await import('./heads.ts')).heads,
  },
  {
    group: 'Train and measure',
    name: 'tokenizer',
    summary: 'train a tokenizer on texts of your own',
    load: async () => (await import('./tokenizer.ts')).tokenizer,
  },
  {
    group: 'Train and measure',
    name: 'train',
    summary: 'train a model from nothing on texts of your own',
    load: async () => (await import('./train.ts')).train,
  },
  {
    group: 'Train and measure',
    name: 'finetune',
    summary: 'train a model further: all of it, parts, or an adapter',
    load: async () => (await import('./finetune.ts')).finetune,
  },
  {
    group: 'Train and measure',
    name: 'eval',
    summary: 'what a model gets right, and whether another is better',
    load: async () => (await import('./eval.ts')).evalCommand,
  },
  {
    group: 'Train and measure',
    name: 'bench',
    summary: 'how fast a model reads and writes here',
    load: async () => (await import('./bench.ts')).bench,
  },
  {
    group: 'Models',
    name: 'models',
    summary: 'what there is to run',
    load: async () => (await import('./models.ts')).models,
  },
  {
    group: 'Models',
    name: 'pull',
    summary: 'download a model from the hub',
    load: async () => (await import('./pull.ts')).pull,
  },
  {
    group: 'Models',
    name: 'ls',
    summary: 'the models that were downloaded',
    load: async () => (await import('./ls.ts')).ls,
  },
  {
    group: 'Models',
    name: 'rm',
    summary: 'remove a downloaded model',
    load: async () => (await import('./rm.ts')).rm,
  },
  {
    group: 'Models',
    name: 'verify',
    summary: 'check a downloaded model against its checksums',
    load: async () => (await import('./verify.ts')).verify,
  },
  {
    group: 'Models',
    name: 'quantize',
    summary: 'write a model as a GGUF file with smaller weights',
    load: async () => (await import('./quantize.ts')).quantize,
  },
  {
    group: 'Models',
    name: 'convert',
    summary: 'write a model in another format',
    load: async () => (await import('./convert.ts')).convert,
  },
  {
    group: 'This machine',
    name: 'doctor',
    summary: 'what this machine can do, and whether it does it right',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    group: 'This machine',
    name: 'completion',
    summary: 'let a shell complete commands and options',
    load: async () => (await import('./completion.ts')).completion,
  },
  {
    group: 'This machine',
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
