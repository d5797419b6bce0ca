/**
 * Masked diffusion: logits without a causal mask, the losses with gradients, and every state of the sampler. The weights are
 * those of other folders; LLaMA's become LLaDA's, whose network is the same but for what a token sees.
 */
import { openCheckpointFrom } from '../../src/formats/index.ts';
import { diffuse } from '../../src/generate/index.ts';
import { load, modelFiles } from '../../src/hub/load.ts';
import { Model } from '../../src/hub/model.ts';
import { ConfigReader } from '../../src/models/config-reader.ts';
import { llada } from '../../src/models/llada.ts';
import { answerDiffusionLoss, maskedDiffusionLoss } from '../../src/nn/diffusion-loss.ts';
import { loadParameters } from '../../src/nn/load-parameters.ts';
import { listParams } from '../../src/nn/params.ts';
import { type Backend, dataOfAll, gradient, leavesOf, Tensor } from '../../src/tensor/index.ts';
import { broken, type Check, compareFloats, compareGradient, compareIds, compareNumber } from './compare.ts';
import { type GoldenCase, type GoldenFiles, readGolden, readJson, rowsOf } from './golden-files.ts';

interface SamplingCase {
  readonly model: string;
  readonly mask_id: number;
  readonly prompt: readonly (readonly number[])[];
  readonly steps: number;
  readonly gen_length: number;
  readonly block_length: number;
  readonly cfg_scale: number;
  readonly temperature: number;
  readonly remasking: 'low_confidence';
  readonly new_tokens: readonly (readonly number[])[];
  readonly after_each_step: readonly (readonly (readonly number[])[])[];
}

/** All checks of the folder. */
export async function* diffusionChecks(
  files: GoldenFiles,
  folder: string,
  backend: Backend,
): AsyncGenerator<Check, void, undefined> {
  const cases = (await readGolden(files, folder))?.cases;
  const sampling = await readJson<{ cases: SamplingCase[] }>(files, `${folder}/sampling.json`);
  if (!cases || !sampling) {
    yield broken('diffusion', `no golden.safetensors or no sampling.json in ${folder}`);
    return;
  }
  for (const name of new Set(['llama', ...sampling.cases.map(c => c.model)])) {
    const isLlama = name === 'llama';
    const model = isLlama
      ? await bidirectionalLlama(files, name, backend)
      : await load(files.model(name), { backend, head: 'maskedLM' });
    try {
      if (isLlama) {
        yield* logitsChecks(model, cases.get('llama')!);
        yield* lossChecks(model, cases.get('llama_loss')!, cases.get('llama_sft_loss')!);
      }
      for (const [i, expected] of sampling.cases.entries())
        if (expected.model === name) yield* samplingChecks(model, i, expected);
    } finally {
      model.dispose();
    }
  }
}

/** LLaDA's name of a LLaMA parameter. */
function renamed(key: string): string {
  const names: Readonly<Record<string, string>> = {
    'model.embed_tokens': 'wte',
    'model.norm': 'ln_f',
    lm_head: 'ff_out',
    input_layernorm: 'attn_norm',
    post_attention_layernorm: 'ff_norm',
    'self_attn.q_proj': 'q_proj',
    'self_attn.k_proj': 'k_proj',
    'self_attn.v_proj': 'v_proj',
    'self_attn.o_proj': 'attn_out',
    'mlp.gate_proj': 'ff_proj',
    'mlp.up_proj': 'up_proj',
    'mlp.down_proj': 'ff_out',
  };
  const [, layer, name = key] = /^model\.layers\.(\d+)\.(.+)$/.exec(key) ?? [];
  const own = names[name.replace(/\.weight$/, '')];
  return `model.transformer.${layer === undefined ? '' : `blocks.${layer}.`}${own}.weight`;
}

/** The weights of a LLaMA folder as a LLaDA model that can be trained; the last id is the mask token. */
async function bidirectionalLlama(files: GoldenFiles, folder: string, backend: Backend): Promise<Model> {
  const json = await readJson<Record<string, number>>(files, `${folder}/config.json`);
  if (!json) throw new Error(`no config.json in ${folder}`);
  const reader = new ConfigReader(
    {
      ...{ d_model: json.hidden_size, n_layers: json.num_hidden_layers, n_heads: json.num_attention_heads },
      ...{ n_kv_heads: json.num_key_value_heads, mlp_hidden_size: json.intermediate_size },
      ...{ activation_type: json.hidden_act, vocab_size: json.vocab_size, embedding_size: json.vocab_size },
      ...{ max_sequence_length: json.max_position_embeddings, rms_norm_eps: json.rms_norm_eps },
      ...{ rope_theta: json.rope_theta, mask_token_id: json.vocab_size! - 1 },
    },
    folder,
  );
  const config = llada.config(reader);
  reader.finish();
  const spec = llada.heads.maskedLM!.parameters(config);
  const checkpoint = await openCheckpointFrom(modelFiles(files.model(folder)));
  try {
    const { params, unexpected } = await loadParameters(checkpoint, spec, backend, { rename: renamed, plain: true });
    const specs = new Map(listParams(spec));
    const architecture = llada as Model['parts']['architecture'];
    const rest = { head: 'maskedLM', type: 'llada', tokenizer: undefined, defaults: {}, unexpected } as const;
    return new Model({ architecture, config, params, backend, specs, ...rest });
  } finally {
    await checkpoint.close();
  }
}

async function* logitsChecks(model: Model, expected: GoldenCase): AsyncGenerator<Check, void, undefined> {
  const mask = expected.get('attention_mask')!;
  const reference = expected.get('logits_bidirectional')!;
  const inputs = { input_ids: rowsOf(expected.get('input_ids')!), attention_mask: rowsOf(mask) };
  const { logits } = await model.run(inputs);
  const V = reference.shape.at(-1)!;
  const real = (i: number) => mask.data[Math.floor(i / V)] === 1;
  yield { name: 'llama/logits_bidirectional', ...compareFloats(await logits.data(), reference, real) };

  // What the sampler reads: some positions of each row.
  const at = inputs.attention_mask.map((row, b) => [...row.keys()].filter(t => row[t] === 1 && (t + b) % 2 === 0));
  const some = await model.denoiser().logits({ ids: inputs.input_ids, mask: inputs.attention_mask, at });
  const T = reference.shape[1]!;
  const rows = at.flatMap((slots, b) =>
    slots.map(t =>
      Array.from(reference.data)
        .slice((b * T + t) * V)
        .slice(0, V),
    ),
  );
  yield {
    name: 'llama/logits_bidirectional of some positions',
    ...compareFloats(
      some.flatMap(row => Array.from(row)),
      { shape: [rows.length, V], data: rows.flat() },
    ),
  };
}

async function* lossChecks(
  model: Model,
  expected: GoldenCase,
  answers: GoldenCase,
): AsyncGenerator<Check, void, undefined> {
  const { mask_token_id: maskId } = model.parts.config as { mask_token_id: number };
  const ids = rowsOf(expected.get('input_ids')!);
  const share = Tensor.from(Float32Array.from(expected.get('p_mask')!.data));
  const lossInputs = (hidden: readonly number[][]) => {
    const shape = [ids.length, ids[0]!.length];
    const noised = ids.map((row, b) => row.map((id, t) => (hidden[b]![t] ? maskId : id)));
    return [
      model.graph({ input_ids: noised }).logits,
      Tensor.from(Int32Array.from(ids.flat()), shape),
      Tensor.from(Uint8Array.from(hidden.flat()), shape, 'bool'),
      share,
    ] as const;
  };
  const masked = rowsOf(expected.get('masked')!);
  const inputs = lossInputs(masked);
  const loss = maskedDiffusionLoss(...inputs);
  const leaves = new Map(leavesOf(model.parts.params));
  const references = [...expected].filter(([name]) => name.startsWith('grad/'));
  const names = references.map(([name]) => renamed(name.slice('grad/'.length)));
  const gradients = gradient(
    loss,
    names.map(name => leaves.get(name)!),
  );
  const [value, logits, ...found] = await dataOfAll(loss, inputs[0], ...gradients);
  yield { name: 'llama_loss/loss', ...compareNumber(value![0]!, expected.get('loss')!.data[0]!) };
  yield { name: 'llama_loss/logits', ...compareFloats(logits!, expected.get('logits')!) };
  for (const [i, [, reference]] of references.entries())
    yield { name: 'llama_loss/gradients', part: names[i], ...compareGradient(found[i]!, reference) };

  const prompts = answers.get('prompt_lengths')!.data;
  const answerHidden = masked.map((row, b) => row.map((is, t) => (t < prompts[b]! ? 0 : is)));
  const lengths = Float32Array.from(prompts, n => ids[0]!.length - n);
  const answerLoss = answerDiffusionLoss(...lossInputs(answerHidden), Tensor.from(lengths));
  yield {
    name: 'llama_sft_loss/loss',
    ...compareNumber(await answerLoss.item(), answers.get('loss')!.data[0]!),
  };
}

async function* samplingChecks(
  model: Model,
  index: number,
  expected: SamplingCase,
): AsyncGenerator<Check, void, undefined> {
  const name = `sampling, case ${index}`;
  const states: number[][][] = [];
  const written = (ids: readonly (readonly number[])[]) => ids.map((row, b) => row.slice(expected.prompt[b]!.length));
  const options = {
    ...{ steps: expected.steps, genLength: expected.gen_length, blockLength: expected.block_length },
    ...{ cfgScale: expected.cfg_scale, temperature: expected.temperature, remasking: expected.remasking },
  };
  for await (const event of diffuse(model.denoiser(expected.mask_id), expected.prompt, options))
    if (event.type === 'step') states.push(written(event.ids));
    else {
      const ids = written(event.sequences.map(sequence => sequence.ids));
      yield { name, part: 'new tokens', ...compareIds(ids, expected.new_tokens) };
      const passes = expected.steps * (expected.cfg_scale > 0 ? 2 : 1);
      yield { name, part: 'passes', ...compareNumber(event.stats.forwards, passes) };
    }
  yield { name, part: 'steps', ...compareNumber(states.length, expected.after_each_step.length) };
  for (const [step, state] of expected.after_each_step.entries())
    yield { name, part: `step ${step + 1}`, ...compareIds(states[step] ?? [], state) };
}
