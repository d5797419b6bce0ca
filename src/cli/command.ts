/**
 * A command as data: what it is called, which options it takes, what its help says, and the function that does it.
 * Parsing, `--help` and suggestions all read this one table.
 */
import type { GenerateOptions } from '../generate/index.ts';
import type { TrainOptions } from '../train/options.ts';
import type { Terminal } from './terminal.ts';

interface OptionBase {
  readonly help: string;
  readonly short?: string;
  /** Heading under which the help lists it. */
  readonly group?: string;
  /** The option of the library that takes its value as it is; an error that names that one is shown with this one's name. */
  readonly sets?: keyof GenerateOptions | keyof TrainOptions;
}
/** Present or absent. */
export interface FlagOption extends OptionBase {
  readonly kind: 'flag';
}
/** An option with a value. A `list` may be given several times; `ids` is a list of token ids, `1,2,3`. */
export interface ValueOption extends OptionBase {
  readonly kind: 'number' | 'integer' | 'text' | 'list' | 'ids';
  /** Placeholder of the value in the help. */
  readonly value: string;
  readonly choices?: readonly string[];
  /** A list that takes all arguments up to the next option, or to `--`. */
  readonly many?: boolean;
  /** The value that is meant when the option stands alone; only for integers. */
  readonly alone?: number;
  /** Smallest number. */
  readonly min?: number;
}
export type Option = FlagOption | ValueOption;
export type OptionTable = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O['kind'] extends 'flag'
  ? boolean
  : O['kind'] extends 'number' | 'integer'
    ? number | undefined
    : O['kind'] extends 'list'
      ? readonly string[]
      : O['kind'] extends 'ids'
        ? readonly number[] | undefined
        : O extends { readonly choices: readonly (infer Choice)[] }
          ? Choice | undefined
          : string | undefined;
/** The parsed options of a table, by their long names. */
export type Values<T extends OptionTable> = { readonly [K in keyof T]: ValueOf<T[K]> };

/** What a command is called with. */
export interface Call<T extends OptionTable> {
  readonly values: Values<T>;
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface CommandForm<T extends OptionTable> {
  readonly name: string;
  /** What it does, in a sentence. */
  readonly summary: string;
  /** Positional arguments in the order they come; one in brackets may be left out, and the last may stand several times if it ends in `...`. */
  readonly positionals: readonly { readonly name: string; readonly help: string }[];
  readonly options: T;
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  /** Returns the exit code; nothing = 0. Throws `UsageError` for wrong usage, `HeedError` for everything else. */
  run(call: Call<T>): Promise<number | void>;
}
/** A command of any table. */
export type Command = CommandForm<OptionTable>;

/** Ties the type of the parsed options to the table they come from. */
export function defineCommand<const T extends OptionTable>(command: CommandForm<T>): Command {
  return command as unknown as Command;
}

/** The same options, listed under a heading of their own. */
export function grouped<const T extends OptionTable>(group: string, options: T): T {
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, { ...option, group }]),
  ) as unknown as T;
}

/** The command line was written wrongly: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
  /** The command whose help explains it. */
  readonly command: string | undefined;
  constructor(message: string, command?: string) {
    super(message);
    this.command = command;
  }
}
