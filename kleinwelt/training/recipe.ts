/** What is to be known to train one of the bundled models again: everything but the code. */
import type { BundledName } from '../../src/hub/bundled.ts';
import type { HeadName } from '../../src/models/architecture.ts';
import type { Tokenizer } from '../../src/tokenizers/index.ts';
import type { TrainOptions } from '../../src/train/index.ts';
import type { Objective } from '../../src/train/objectives/index.ts';
import type { RowStream } from './stream.ts';
import type { TokenizerName } from './tokenizers.ts';

export interface Recipe {
  /** The folder in `models/`. */
  readonly name: BundledName;
  /** Where the model has several networks: which this is. */
  readonly part?: string | undefined;
  /** The folder of this one inside the model's. Default: that itself. */
  readonly folder?: string | undefined;
  /** What it is, for the card. */
  readonly title: string;
  readonly head: HeadName;
  /** What it begins with. */
  readonly from:
    | { readonly tokenizer: TokenizerName; readonly config: Readonly<Record<string, unknown>> }
    /** An adapter on another bundled model. */
    | { readonly base: BundledName; readonly r: number; readonly labels?: readonly string[] | undefined };
  /** Kept as a GGUF file with blocks of this type, in place of safetensors in half precision. */
  readonly packed?: 'q8_0' | undefined;
  readonly objective: (tokenizer: Tokenizer) => Objective;
  /** Training data, and held-out data of the same kind. */
  readonly rows: RowStream;
  readonly heldOut: RowStream;
  readonly batchSize: number;
  readonly train: Omit<TrainOptions, 'batches' | 'validation' | 'outputDir' | 'resume' | 'signal' | 'maxSteps'> & {
    readonly maxSteps: number;
    readonly learningRate: number;
  };
}
/** `kleinwelt-edits/tagger`, `kleinwelt-llama`. */
export const recipeName = ({ name, part }: Recipe): string => (part ? `${name}/${part}` : name);
/** The folder of its run: `kleinwelt-edits-generator`, `kleinwelt-llama`. */
export const runName = ({ name, folder }: Recipe): string => (folder ? `${name}-${folder}` : name);
