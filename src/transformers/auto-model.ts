/** `AutoModel...`: a model as a function from tensors to tensors, under the head that the class is named after. */
import { ConfigError } from '../errors.ts';
import type { GenerateOptions } from '../generate/index.ts';
import { decoderPrompts } from '../hub/source-decoder.ts';
import { Tensor as Computed, dataOfAll, type HeadName, type Model, type ModelInputs } from '../index.ts';
import { headOf } from '../models/forward.ts';
import { doneOf } from '../tasks/generate-batches.ts';
import { camelOptions, type Options } from './names.ts';
import { loadPretrained, type PretrainedOptions, readConfig, type Source } from './pretrained.ts';
import { type WatchOptions, watching } from './streaming.ts';
import { int64Rows, rowsOf, Tensor } from './tensor.ts';

/** Inputs of rows of ids or marks, `[B, T]`. */
const ROWS = [
  ...['input_ids', 'attention_mask', 'token_type_ids', 'position_ids', 'decoder_input_ids', 'decoder_attention_mask'],
] as const;
/** Inputs of numbers. */
const NUMBERS = ['pixel_values', 'input_features'] as const;
type InputName = (typeof ROWS)[number] | (typeof NUMBERS)[number];
export type Inputs = { readonly [K in InputName]?: Tensor | undefined };

/** Inputs, and options of a generation by their snake_case names. */
export type GenerateCall = Inputs &
  WatchOptions & {
    readonly inputs?: Tensor | null | undefined;
    readonly generation_config?: Options | null | undefined;
    readonly [option: string]: unknown;
  };

export interface PreTrainedModel {
  /** What the head gives, by the reference's names: `{ logits }`, `{ last_hidden_state }` ... */
  (inputs: Inputs): Promise<Readonly<Record<string, Tensor>>>;
  /** config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** heed's own. */
  readonly model: Model;
  /** Ids `[B, T]`: of a decoder behind its prompts, of an encoder-decoder behind its first id; padded on the right. */
  generate(call: GenerateCall): Promise<Tensor>;
  dispose(): Promise<void>;
}

/** A model of heed's in the form of transformers.js. */
export function callableModel(model: Model): PreTrainedModel {
  const call = async (inputs: Inputs) => {
    const { outputs } = await model.run(modelInputs(inputs));
    const names = Object.keys(outputs);
    const data = await dataOfAll(...names.map(name => outputs[name]!));
    const tensors = names.map((name, i) => [
      name,
      new Tensor('float32', data[i] as Float32Array, outputs[name]!.shape),
    ]);
    return Object.fromEntries(tensors) as Record<string, Tensor>;
  };
  return Object.assign(call, {
    config: model.parts.origin?.json ?? {},
    model,
    generate: (all: GenerateCall) => generated(model, all),
    dispose: async () => model.dispose(),
  });
}

function modelInputs(inputs: Inputs): ModelInputs {
  const rows = ROWS.map(name => [name, inputs[name] && rowsOf(inputs[name])]);
  const numbers = NUMBERS.map(name => [name, inputs[name] && computed(inputs[name])]);
  return Object.fromEntries([...rows, ...numbers].filter(([, value]) => value !== undefined)) as ModelInputs;
}
const computed = ({ data, dims }: Tensor) => Computed.from(Float32Array.from(data as Float32Array), dims);

async function generated(model: Model, call: GenerateCall): Promise<Tensor> {
  const { inputs: main, generation_config, streamer, stopping_criteria, ...rest } = call;
  const names: readonly string[] = [...ROWS, ...NUMBERS];
  const given = Object.fromEntries(Object.entries(rest).filter(([name]) => names.includes(name))) as Inputs;
  const others = Object.entries(rest).filter(([name]) => !names.includes(name));
  const own = {
    // There a temperature alone does not ask for drawing.
    doSample: model.parts.defaults.doSample ?? false,
    ...camelOptions({ ...generation_config, ...Object.fromEntries(others) }),
  } as GenerateOptions;
  const options = { ...own, ...watching({ streamer, stopping_criteria }, own) };
  const inputs = modelInputs(main && !given.input_ids ? { ...given, input_ids: main } : given);
  const isSource = headOf(model.parts).encode !== undefined;
  const rows = (inputs.input_ids as number[][] | undefined) ?? [];
  if (!isSource && rows.length === 0) throw new ConfigError('nothing to go on from', { expected: 'input_ids' });
  const mask = inputs.attention_mask;
  const prompts = rows.map((row, b) => row.filter((_, t) => mask?.[b]?.[t] !== 0));
  const batch = isSource ? ((inputs.pixel_values ?? inputs.input_features)?.dim(0) ?? rows.length) : rows.length;
  const starts = isSource
    ? decoderPrompts(batch, inputs, { ...model.parts.defaults, ...own }, model.parts.config)
    : rows;
  const encoderIds = isSource && rows.length > 0 && { encoderIds: prompts };
  const events = isSource
    ? model.generateFrom(inputs, { ...encoderIds, ...options })
    : model.generateIds(prompts, options);
  const { sequences } = await doneOf(events);
  streamer?.end();
  const all = sequences.map(({ prompt, ids }) => [...starts[prompt]!, ...ids]);
  const longest = Math.max(...all.map(ids => ids.length));
  const { padTokenId, eosTokenId } = { ...model.parts.defaults, ...own };
  const pad = padTokenId ?? [eosTokenId ?? 0].flat()[0] ?? 0;
  return int64Rows(all.map(ids => [...ids, ...new Array<number>(longest - ids.length).fill(pad)]));
}

/** A class of models: `from_pretrained` loads one under the first of these heads that the checkpoint has, or under its own. */
const auto = (...heads: readonly HeadName[]) => ({
  /** @throws what `load` throws: for a checkpoint without such a head too */
  async from_pretrained(source: Source, options: PretrainedOptions = {}): Promise<PreTrainedModel> {
    const [first, second] = heads;
    try {
      return callableModel(await loadPretrained(source, options, first));
    } catch (error) {
      if (!(error instanceof ConfigError) || second === undefined) throw error;
      return callableModel(await loadPretrained(source, options, second));
    }
  },
});

export const AutoModel = auto('base');
export const AutoModelForCausalLM = auto('causalLM');
export const AutoModelForSeq2SeqLM = auto('seq2seqLM');
export const AutoModelForSpeechSeq2Seq = auto('seq2seqLM');
export const AutoModelForMaskedLM = auto('maskedLM', 'enhancedMaskedLM');
export const AutoModelForSequenceClassification = auto('sequenceClassification');
export const AutoModelForTokenClassification = auto('tokenClassification');
export const AutoModelForQuestionAnswering = auto('questionAnswering');
export const AutoModelForImageClassification = auto('imageClassification');

export const AutoConfig = {
  /** The fields of config.json. */
  from_pretrained: (source: Source, options: PretrainedOptions = {}): Promise<Readonly<Record<string, unknown>>> =>
    readConfig(source, options, 'config.json'),
};
