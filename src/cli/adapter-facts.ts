/** What an adapter's folder says about itself, from its config and the header of its weights. */
import { readAdapterConfig } from '../hub/adapter-config.ts';
import { openAdapter } from '../hub/adapters.ts';
import type { ModelFiles } from '../hub/files.ts';
import { type FileFacts, fileFacts } from './model-facts.ts';

export interface AdapterFacts extends FileFacts {
  readonly adapter: {
    readonly kind: 'LoRA' | 'rsLoRA' | 'DoRA';
    readonly base: string | undefined;
    readonly task: string | undefined;
    readonly rank: number;
    /** Factor of what it adds, where no pattern says otherwise. */
    readonly scale: number;
  };
}

/** Undefined when the files are no adapter's, or a whole model's too. @throws what reading them throws */
export async function adapterFacts(files: ModelFiles): Promise<AdapterFacts | undefined> {
  if ((await files.list?.())?.includes('config.json')) return undefined;
  const config = await readAdapterConfig(files);
  if (!config) return undefined;
  const checkpoint = await openAdapter(files);
  try {
    const { base, task, rank, dora, rsLora } = config;
    const kind = dora ? 'DoRA' : rsLora ? 'rsLoRA' : 'LoRA';
    return { ...fileFacts(checkpoint), adapter: { kind, base, task, rank, scale: config.facts('').scale } };
  } finally {
    await checkpoint.close();
  }
}
