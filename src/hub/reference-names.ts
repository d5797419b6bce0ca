/** What the reference calls a parameter, where no file says it: for models that were made here, and for adapters on them. */
import type { Architecture, HeadName } from '../models/architecture.ts';
import { listParams } from '../nn/params.ts';

/** What stands before the names of a family's body under every head. Families that are not listed have the names of their files here. */
const PREFIXES: Readonly<Record<string, string>> = {
  albert: 'albert',
  bart: 'model',
  bert: 'bert',
  bloom: 'transformer',
  distilbert: 'distilbert',
  electra: 'electra',
  gpt2: 'transformer',
  gpt_neo: 'transformer',
  m2m_100: 'model',
  marian: 'model',
  mbart: 'model',
  mpnet: 'mpnet',
  'openai-gpt': 'transformer',
  pegasus: 'model',
  roberta: 'roberta',
  rwkv: 'rwkv',
  vit: 'vit',
  whisper: 'model',
};
/** Output layers of another name. */
const OUTPUTS: Readonly<Record<string, string>> = { gpt_neox: 'embed_out', 'lstm-lm': 'decoder', rwkv: 'head' };
/** Parts of the body of an encoder-decoder, whose `base` may be the encoder alone, and where no head is the body alone. */
const SIDES: readonly string[] = ['shared', 'encoder', 'decoder'];

/** Whether a family's language model reads with one stack and writes with another. */
export const isEncoderDecoder = ({ heads }: Pick<Architecture, 'heads'>): boolean =>
  Object.values(heads).some(({ encode }) => encode !== undefined);

export interface ReferenceNames {
  /** Of a parameter by its name here or in a file, which may lack a prefix: `transformer.h.0.ln_1.weight` of `h.0.ln_1.weight`. */
  of(name: string): string;
  /** Whether a parameter belongs to what all heads share. */
  inBody(name: string): boolean;
}

/** The names of a model's parameters under a head. */
export function referenceNames({ name: family, heads }: Architecture, config: unknown, head: HeadName): ReferenceNames {
  const bodies = [heads.base, heads.pooled].flatMap(body => (body ? listParams(body.parameters(config)) : []));
  const sides = bodies.length === 0 || isEncoderDecoder({ heads }) ? SIDES : [];
  const parts = new Set([...sides, ...bodies.map(([name]) => name.split('.')[0]!)]);
  const inBody = (name: string) => parts.has(name.split('.')[0]!);
  const prefix = head !== 'base' && Object.hasOwn(PREFIXES, family) ? `${PREFIXES[family]}.` : '';
  const output = Object.hasOwn(OUTPUTS, family) ? OUTPUTS[family]! : 'lm_head';
  return {
    inBody,
    of: name =>
      !inBody(name) ? name.replace(/^lm_head(?=\.)/, output) : name.startsWith(prefix) ? name : prefix + name,
  };
}
