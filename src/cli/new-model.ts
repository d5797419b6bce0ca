/** The config of a model that is to be trained from nothing: a file, or a family and its sizes. */
import { ConfigError } from '../errors.ts';
import type { HeadName } from '../models/architecture.ts';
import { ConfigReader } from '../models/config-reader.ts';
import { headOf } from '../models/forward.ts';
import { architectureOf } from '../models/index.ts';
import { countParams } from '../nn/params.ts';
import type { Backend } from '../tensor/index.ts';
import type { Tokenizer } from '../tokenizers/index.ts';
import { checkFits, forecast } from '../train/watch/index.ts';
import type { Values } from './command.ts';
import { grouped } from './command.ts';
import { readSettings } from './settings-file.ts';

interface Sizes {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly context: number;
}
type Json = Readonly<Record<string, unknown>>;

const usualNames = ({ layers, width, heads, context }: Sizes) => ({
  num_hidden_layers: layers,
  hidden_size: width,
  num_attention_heads: heads,
  max_position_embeddings: context,
});
/** The class in the reference, and what the sizes are called in its config; other families have more of them, and take a file. */
const FAMILIES: Readonly<Record<string, { readonly className: string; readonly fields: (sizes: Sizes) => Json }>> = {
  gpt2: {
    className: 'GPT2LMHeadModel',
    fields: ({ layers, width, heads, context }) => ({
      n_layer: layers,
      n_embd: width,
      n_head: heads,
      n_positions: context,
    }),
  },
  llama: {
    className: 'LlamaForCausalLM',
    // Two thirds of four times the width, as three matrices take the place of two.
    fields: sizes => ({ ...usualNames(sizes), intermediate_size: 8 * Math.ceil(sizes.width / 3), rms_norm_eps: 1e-5 }),
  },
  bert: {
    className: 'BertForMaskedLM',
    fields: sizes => ({ ...usualNames(sizes), intermediate_size: 4 * sizes.width, type_vocab_size: 2 }),
  },
  t5: {
    className: 'T5ForConditionalGeneration',
    fields: ({ layers, width, heads }) => ({
      num_layers: layers,
      d_model: width,
      num_heads: heads,
      d_kv: width / heads,
      d_ff: 4 * width,
    }),
  },
};
export const FAMILY_NAMES = Object.keys(FAMILIES);

export const MODEL_OPTIONS = grouped('Model', {
  config: { kind: 'text', value: 'FILE', help: 'config.json of the model, for any family' },
  'model-type': {
    kind: 'text',
    value: 'TYPE',
    choices: FAMILY_NAMES,
    help: `${FAMILY_NAMES.join(', ')} (default gpt2)`,
  },
  layers: { kind: 'integer', value: 'N', min: 1, help: 'default 4' },
  width: { kind: 'integer', value: 'N', min: 1, help: 'of the hidden states (default 128)' },
  heads: { kind: 'integer', value: 'N', min: 1, help: 'of attention (default 4)' },
  context: { kind: 'integer', value: 'N', min: 2, help: 'tokens that it can read (default 128)' },
});

/**
 * The content of config.json, with the vocabulary of the tokenizer where the file says nothing about it.
 * @throws ConfigError for a file that cannot be read, and sizes beside one or that do not divide
 */
export async function newConfig(values: Values<typeof MODEL_OPTIONS>, tokenizer: Tokenizer): Promise<Json> {
  const { config, layers = 4, width = 128, heads = 4, context = 128 } = values;
  const { bos, eos, pad } = tokenizer.specialTokens;
  const vocabulary = {
    vocab_size: tokenizer.vocabSize,
    bos_token_id: bos ?? null,
    eos_token_id: eos ?? null,
    ...(pad !== undefined && { pad_token_id: pad }),
  };
  if (config === undefined) {
    if (width % heads !== 0)
      throw new ConfigError('the heads do not divide the width', {
        seen: `--width ${width} --heads ${heads}`,
        expected: 'a width that is a multiple of the heads',
      });
    const type = values['model-type'] ?? 'gpt2';
    const { className, fields } = FAMILIES[type]!;
    return {
      ...{ model_type: type, architectures: [className] },
      ...{ ...fields({ layers, width, heads, context }), ...vocabulary },
    };
  }
  const extra = (['model-type', 'layers', 'width', 'heads', 'context'] as const).filter(
    name => values[name] !== undefined,
  );
  if (extra.length > 0)
    throw new ConfigError('a config has all sizes of the model', {
      seen: `--config beside ${extra.map(name => `--${name}`).join(', ')}`,
      fix: 'write them into the config, or leave --config out',
    });
  const read = await readSettings(config);
  if (typeof read.vocab_size === 'number' && read.vocab_size < tokenizer.vocabSize)
    throw new ConfigError('the tokenizer has more tokens than the model', {
      seen: `${tokenizer.vocabSize} tokens, vocab_size ${read.vocab_size}`,
      fix: 'leave vocab_size out of the config, or train a smaller tokenizer: --vocab-size',
      where: config,
    });
  return { ...vocabulary, ...read };
}

/**
 * Before a parameter is drawn: whether there is room for the weights and their gradients alone.
 * @throws BackendError when there is not, ConfigError when the config is none
 */
export async function checkSize(json: Json, asked: HeadName | undefined, backend: Backend): Promise<void> {
  const { architecture, json: full } = await architectureOf(json);
  const config = architecture.config(new ConfigReader(full, 'the config'));
  const head = asked ?? (Object.keys(architecture.heads)[0] as HeadName);
  const bytes = 4 * countParams(headOf({ architecture, head }).parameters(config));
  const { used, limit } = backend.memory();
  const memory = { parameters: bytes, gradients: bytes, optimizer: 0 };
  checkFits(forecast({ memory, batch: { flops: 0, activationBytes: 0 }, steps: 0, limitBytes: limit - used }));
}
