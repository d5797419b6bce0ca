/**
 * What GGUF files call the architectures, config fields and tensors of the families here: tables, which both a reader and a
 * writer of such files can use. Source: the names of ggml-org/llama.cpp's converter and its `gguf` package.
 */

/** Fields of config.json by what a GGUF file calls them, without the architecture that its keys begin with. */
type Fields = Readonly<Record<string, string>>;
/**
 * Names of the checkpoint by those of the GGUF file, without `.weight` and `.bias`. `#` stands for a number, the same on both
 * sides; `@` for the number of an expert whose matrix is a part of one tensor.
 */
type Names = Readonly<Record<string, string>>;

export interface GgufFamily {
  /** `model_type` of config.json. */
  readonly type: string;
  readonly fields: Fields;
  readonly names: Names;
  /** Fields that are the same in all files of the family. */
  readonly constants?: Readonly<Record<string, unknown>>;
  /** The field that the number of tokens becomes, if not `vocab_size`. */
  readonly vocabFields?: readonly string[];
  /** The field that says that the output matrix is the embedding table, if not `tie_word_embeddings`. */
  readonly tiedField?: string;
  /** Fields that say whether there is a tensor. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Fields that are the number of a tensor's rows. */
  readonly rows?: Readonly<Record<string, string>>;
  /** Tensors whose heads have interleaved rows, because the other program turns neighbours, with the key of their heads. */
  readonly interleaved?: Readonly<Record<string, string>>;
  /** Norms are stored as what is multiplied, and the family adds 1 to them first. */
  readonly offsetNorms?: boolean;
  /** Fields that follow from several keys. */
  readonly derive?: (key: (name: string) => number | undefined) => Readonly<Record<string, unknown>>;
}

const LAYER = 'model.layers.#';
const HEADS = 'attention.head_count';
const GROUPS = 'attention.head_count_kv';

const DECODER_FIELDS: Fields = {
  hidden_size: 'embedding_length',
  intermediate_size: 'feed_forward_length',
  num_hidden_layers: 'block_count',
  num_attention_heads: HEADS,
  num_key_value_heads: GROUPS,
  head_dim: 'attention.key_length',
  max_position_embeddings: 'context_length',
  rms_norm_eps: 'attention.layer_norm_rms_epsilon',
  rope_theta: 'rope.freq_base',
  sliding_window: 'attention.sliding_window',
};
const OUTER_NAMES: Names = { token_embd: 'model.embed_tokens', output_norm: 'model.norm', output: 'lm_head' };
const ATTENTION_NAMES: Names = {
  'blk.#.attn_q': `${LAYER}.self_attn.q_proj`,
  'blk.#.attn_k': `${LAYER}.self_attn.k_proj`,
  'blk.#.attn_v': `${LAYER}.self_attn.v_proj`,
  'blk.#.attn_output': `${LAYER}.self_attn.o_proj`,
};
const HEAD_NORM_NAMES: Names = {
  'blk.#.attn_q_norm': `${LAYER}.self_attn.q_norm`,
  'blk.#.attn_k_norm': `${LAYER}.self_attn.k_norm`,
};
const MLP_NAMES: Names = {
  'blk.#.ffn_gate': `${LAYER}.mlp.gate_proj`,
  'blk.#.ffn_up': `${LAYER}.mlp.up_proj`,
  'blk.#.ffn_down': `${LAYER}.mlp.down_proj`,
};
const NORM_NAMES: Names = {
  'blk.#.attn_norm': `${LAYER}.input_layernorm`,
  'blk.#.ffn_norm': `${LAYER}.post_attention_layernorm`,
};
const DECODER_NAMES: Names = { ...OUTER_NAMES, ...ATTENTION_NAMES, ...MLP_NAMES, ...NORM_NAMES };
const EXPERTS = `${LAYER}.block_sparse_moe.experts`;
const EXPERT_NAMES: Names = {
  ...OUTER_NAMES,
  ...ATTENTION_NAMES,
  ...NORM_NAMES,
  'blk.#.ffn_gate_inp': `${LAYER}.block_sparse_moe.gate`,
  'blk.#.ffn_gate_exps': `${EXPERTS}.@.w1`,
  'blk.#.ffn_down_exps': `${EXPERTS}.@.w2`,
  'blk.#.ffn_up_exps': `${EXPERTS}.@.w3`,
  // Files from before the matrices of all experts became one tensor.
  'blk.#.ffn_gate.#': `${EXPERTS}.#.w1`,
  'blk.#.ffn_down.#': `${EXPERTS}.#.w2`,
  'blk.#.ffn_up.#': `${EXPERTS}.#.w3`,
};
const SANDWICH_NAMES: Names = {
  ...DECODER_NAMES,
  'blk.#.post_attention_norm': `${LAYER}.post_attention_layernorm`,
  'blk.#.ffn_norm': `${LAYER}.pre_feedforward_layernorm`,
  'blk.#.post_ffw_norm': `${LAYER}.post_feedforward_layernorm`,
};

const INTERLEAVED = { 'blk.#.attn_q': HEADS, 'blk.#.attn_k': GROUPS };
const BIASES = {
  attention_bias: 'blk.0.attn_q.bias',
  attention_out_bias: 'blk.0.attn_output.bias',
  mlp_bias: 'blk.0.ffn_up.bias',
};

const llama: GgufFamily = {
  type: 'llama',
  fields: DECODER_FIELDS,
  names: DECODER_NAMES,
  flags: BIASES,
  interleaved: INTERLEAVED,
};
const gemma2: GgufFamily = {
  type: 'gemma2',
  fields: {
    ...DECODER_FIELDS,
    attn_logit_softcapping: 'attn_logit_softcapping',
    final_logit_softcapping: 'final_logit_softcapping',
  },
  names: SANDWICH_NAMES,
  offsetNorms: true,
  /** Files do not hold it; the largest models, known by their layers, differ from the others. */
  derive: key => {
    const perHead = (key('embedding_length') ?? 0) / (key(HEADS) ?? 1);
    return {
      query_pre_attn_scalar: [46, 62].includes(key('block_count') ?? 0) ? perHead : key('attention.key_length'),
    };
  },
};

/** The layers of one side of a T5. */
const t5Side = (gguf: string, ours: string, mlp: number): Names => ({
  [`${gguf}.output_norm`]: `${ours}.final_layer_norm`,
  [`${gguf}.blk.#.attn_norm`]: `${ours}.block.#.layer.0.layer_norm`,
  ...Object.fromEntries(
    ['q', 'k', 'v', 'o'].map(x => [`${gguf}.blk.#.attn_${x}`, `${ours}.block.#.layer.0.SelfAttention.${x}`]),
  ),
  [`${gguf}.blk.#.attn_rel_b`]: `${ours}.block.#.layer.0.SelfAttention.relative_attention_bias`,
  [`${gguf}.blk.#.ffn_norm`]: `${ours}.block.#.layer.${mlp}.layer_norm`,
  [`${gguf}.blk.#.ffn_down`]: `${ours}.block.#.layer.${mlp}.DenseReluDense.wo`,
});
const t5Gated = (gguf: string, ours: string, mlp: number): Names => ({
  [`${gguf}.blk.#.ffn_gate`]: `${ours}.block.#.layer.${mlp}.DenseReluDense.wi_0`,
  [`${gguf}.blk.#.ffn_up`]: `${ours}.block.#.layer.${mlp}.DenseReluDense.wi_1`,
});
const t5Plain = (gguf: string, ours: string, mlp: number): Names => ({
  [`${gguf}.blk.#.ffn_up`]: `${ours}.block.#.layer.${mlp}.DenseReluDense.wi`,
});
const T5_FIELDS: Fields = {
  d_model: 'embedding_length',
  d_ff: 'feed_forward_length',
  d_kv: 'attention.key_length',
  num_heads: HEADS,
  num_layers: 'block_count',
  num_decoder_layers: 'decoder_block_count',
  relative_attention_num_buckets: 'attention.relative_buckets_count',
  layer_norm_epsilon: 'attention.layer_norm_rms_epsilon',
  decoder_start_token_id: 'decoder_start_token_id',
};
const CROSS = 'decoder.block.#.layer.1';
const T5_NAMES: Names = {
  token_embd: 'shared',
  output: 'lm_head',
  ...t5Side('enc', 'encoder', 1),
  ...t5Side('dec', 'decoder', 2),
  'dec.blk.#.cross_attn_norm': `${CROSS}.layer_norm`,
  ...Object.fromEntries(['q', 'k', 'v', 'o'].map(x => [`dec.blk.#.cross_attn_${x}`, `${CROSS}.EncDecAttention.${x}`])),
  'dec.blk.#.cross_attn_rel_b': `${CROSS}.EncDecAttention.relative_attention_bias`,
};
const t5: GgufFamily = {
  type: 't5',
  fields: T5_FIELDS,
  names: { ...T5_NAMES, ...t5Plain('enc', 'encoder', 1), ...t5Plain('dec', 'decoder', 2) },
  constants: { architectures: ['T5ForConditionalGeneration'] },
};
const gatedT5: GgufFamily = {
  ...t5,
  names: { ...T5_NAMES, ...t5Gated('enc', 'encoder', 1), ...t5Gated('dec', 'decoder', 2) },
  // Files do not tell it from the gate of UL2, which is a silu.
  constants: { ...t5.constants, feed_forward_proj: 'gated-gelu' },
};

const BERT_LAYER = 'encoder.layer.#';
const bert: GgufFamily = {
  type: 'bert',
  fields: {
    hidden_size: 'embedding_length',
    intermediate_size: 'feed_forward_length',
    num_hidden_layers: 'block_count',
    num_attention_heads: HEADS,
    layer_norm_eps: 'attention.layer_norm_epsilon',
  },
  rows: { max_position_embeddings: 'position_embd.weight', type_vocab_size: 'token_types.weight' },
  names: {
    token_embd: 'embeddings.word_embeddings',
    position_embd: 'embeddings.position_embeddings',
    token_types: 'embeddings.token_type_embeddings',
    token_embd_norm: 'embeddings.LayerNorm',
    'blk.#.attn_q': `${BERT_LAYER}.attention.self.query`,
    'blk.#.attn_k': `${BERT_LAYER}.attention.self.key`,
    'blk.#.attn_v': `${BERT_LAYER}.attention.self.value`,
    'blk.#.attn_output': `${BERT_LAYER}.attention.output.dense`,
    'blk.#.attn_output_norm': `${BERT_LAYER}.attention.output.LayerNorm`,
    'blk.#.ffn_up': `${BERT_LAYER}.intermediate.dense`,
    'blk.#.ffn_down': `${BERT_LAYER}.output.dense`,
    'blk.#.layer_output_norm': `${BERT_LAYER}.output.LayerNorm`,
  },
};

const gpt2: GgufFamily = {
  type: 'gpt2',
  fields: {
    n_embd: 'embedding_length',
    n_inner: 'feed_forward_length',
    n_layer: 'block_count',
    n_head: HEADS,
    n_positions: 'context_length',
    layer_norm_epsilon: 'attention.layer_norm_epsilon',
  },
  names: {
    token_embd: 'wte',
    position_embd: 'wpe',
    output_norm: 'ln_f',
    output: 'lm_head',
    'blk.#.attn_norm': 'h.#.ln_1',
    'blk.#.attn_qkv': 'h.#.attn.c_attn',
    'blk.#.attn_output': 'h.#.attn.c_proj',
    'blk.#.ffn_norm': 'h.#.ln_2',
    'blk.#.ffn_up': 'h.#.mlp.c_fc',
    'blk.#.ffn_down': 'h.#.mlp.c_proj',
  },
};

const LLADA = 'model.transformer';
const llada: GgufFamily = {
  type: 'llada',
  fields: {
    d_model: 'embedding_length',
    mlp_hidden_size: 'feed_forward_length',
    n_layers: 'block_count',
    n_heads: HEADS,
    n_kv_heads: GROUPS,
    max_sequence_length: 'context_length',
    rms_norm_eps: 'attention.layer_norm_rms_epsilon',
    rope_theta: 'rope.freq_base',
  },
  vocabFields: ['vocab_size', 'embedding_size'],
  tiedField: 'weight_tying',
  interleaved: INTERLEAVED,
  names: {
    token_embd: `${LLADA}.wte`,
    output_norm: `${LLADA}.ln_f`,
    output: `${LLADA}.ff_out`,
    'blk.#.attn_norm': `${LLADA}.blocks.#.attn_norm`,
    'blk.#.attn_q': `${LLADA}.blocks.#.q_proj`,
    'blk.#.attn_k': `${LLADA}.blocks.#.k_proj`,
    'blk.#.attn_v': `${LLADA}.blocks.#.v_proj`,
    'blk.#.attn_output': `${LLADA}.blocks.#.attn_out`,
    'blk.#.ffn_norm': `${LLADA}.blocks.#.ff_norm`,
    'blk.#.ffn_gate': `${LLADA}.blocks.#.ff_proj`,
    'blk.#.ffn_up': `${LLADA}.blocks.#.up_proj`,
    'blk.#.ffn_down': `${LLADA}.blocks.#.ff_out`,
  },
};

/** A family, if the file has the tensor that tells it from the next ones. */
interface Candidate {
  readonly when?: string;
  readonly family: GgufFamily;
}
const T5: readonly Candidate[] = [
  { when: 'enc.blk.1.attn_rel_b.weight', family: { ...gatedT5, type: 'umt5' } },
  { when: 'enc.blk.0.ffn_gate.weight', family: gatedT5 },
  { family: t5 },
];

/** Families by `general.architecture`: the first that fits. */
export const GGUF_FAMILIES: Readonly<Record<string, readonly Candidate[]>> = {
  llama: [
    {
      when: 'blk.0.ffn_gate_inp.weight',
      family: {
        ...llama,
        type: 'mixtral',
        fields: {
          ...DECODER_FIELDS,
          num_local_experts: 'expert_count',
          num_experts_per_tok: 'expert_used_count',
        },
        names: EXPERT_NAMES,
      },
    },
    { family: llama },
  ],
  qwen2: [{ family: { ...llama, type: 'qwen2', interleaved: {} } }],
  qwen3: [{ family: { ...llama, type: 'qwen3', interleaved: {}, names: { ...DECODER_NAMES, ...HEAD_NORM_NAMES } } }],
  granite: [
    {
      family: {
        ...llama,
        type: 'granite',
        fields: {
          ...DECODER_FIELDS,
          attention_multiplier: 'attention.scale',
          embedding_multiplier: 'embedding_scale',
          residual_multiplier: 'residual_scale',
          logits_scaling: 'logit_scale',
        },
      },
    },
  ],
  olmo2: [
    {
      family: {
        type: 'olmo2',
        fields: DECODER_FIELDS,
        names: {
          ...OUTER_NAMES,
          ...ATTENTION_NAMES,
          ...HEAD_NORM_NAMES,
          ...MLP_NAMES,
          'blk.#.post_attention_norm': `${LAYER}.post_attention_layernorm`,
          'blk.#.post_ffw_norm': `${LAYER}.post_feedforward_layernorm`,
        },
      },
    },
  ],
  gemma: [{ family: { type: 'gemma', fields: DECODER_FIELDS, names: DECODER_NAMES, offsetNorms: true } }],
  gemma2: [{ family: gemma2 }],
  gemma3: [
    {
      family: {
        ...gemma2,
        type: 'gemma3_text',
        fields: {
          ...gemma2.fields,
          rope_local_base_freq: 'rope.freq_base_swa',
          sliding_window_pattern: 'attention.sliding_window_pattern',
        },
        names: { ...SANDWICH_NAMES, ...HEAD_NORM_NAMES },
      },
    },
  ],
  phi3: [
    {
      family: {
        type: 'phi3',
        fields: DECODER_FIELDS,
        names: {
          ...OUTER_NAMES,
          ...NORM_NAMES,
          'blk.#.attn_qkv': `${LAYER}.self_attn.qkv_proj`,
          'blk.#.attn_output': `${LAYER}.self_attn.o_proj`,
          'blk.#.ffn_up': `${LAYER}.mlp.gate_up_proj`,
          'blk.#.ffn_down': `${LAYER}.mlp.down_proj`,
        },
      },
    },
  ],
  llada: [{ family: llada }],
  gpt2: [{ family: gpt2 }],
  bert: [{ family: bert }],
  t5: T5,
  // The same file without a decoder.
  t5encoder: T5.map(({ family, ...rest }) => ({
    ...rest,
    family: { ...family, constants: { ...family.constants, architectures: ['T5EncoderModel'] } },
  })),
};
