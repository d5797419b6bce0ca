/** What explaining needs of a model: the forward pass as a graph whose tensors have names. The hub's `Model` is one. */
import { ConfigError } from '../errors.ts';
import { headOf, type LoadedModel, type ModelGraph, type ModelInputs } from '../models/forward.ts';
import { dataOfAll, type Shape, type Tensor, trace } from '../tensor/index.ts';
import type { Tokenizer } from '../tokenizers/index.ts';

export interface ExplainedModel {
  readonly parts: LoadedModel & { readonly tokenizer: Tokenizer | undefined };
  readonly contextLength: number | undefined;
  graph(inputs: ModelInputs): ModelGraph;
}

/** A place where a model attends: all heads of one layer. */
export interface AttentionSite {
  /** Scope of its tensors: `blocks.0.attn`, `decoder.blocks.1.cross`. */
  readonly name: string;
  /** Sites that follow each other: '' in a model of one stack, else `encoder`, `decoder` or `cross`. */
  readonly stack: '' | 'encoder' | 'decoder' | 'cross';
  readonly layer: number;
}

/** The sites of a model of text in the order of the layers. @throws ConfigError when there are none */
export function attentionSites(model: ExplainedModel, inputs: ModelInputs): AttentionSite[] {
  const { modality = 'text', name } = model.parts.architecture;
  if (modality !== 'text') throw new ConfigError('heads are measured on texts', { seen: `a model of ${modality}` });
  const sites: AttentionSite[] = [];
  for (const tensor of trace(...Object.values(model.graph(inputs).outputs)).names) {
    const [, site, side = '', layer, kind] =
      /^((?:(encoder|decoder)\.)?blocks\.(\d+)\.(attn|cross))\.pattern$/.exec(tensor) ?? [];
    if (site !== undefined)
      sites.push({
        name: site,
        stack: kind === 'cross' ? 'cross' : (side as AttentionSite['stack']),
        layer: Number(layer),
      });
  }
  if (sites.length === 0) throw new ConfigError('this model has no attention', { seen: name });
  return sites.sort((a, b) => stackOrder(a) - stackOrder(b) || a.layer - b.layer);
}
const STACKS: readonly AttentionSite['stack'][] = ['', 'encoder', 'decoder', 'cross'];
const stackOrder = ({ stack }: AttentionSite) => STACKS.indexOf(stack);

/** One attention head. */
export interface AttentionHead {
  readonly site: string;
  readonly head: number;
}
/** `2.1`: head 1 of layer 2; in an encoder-decoder with its stack in front, `cross.2.1`. */
export const headLabel = ({ stack, layer }: AttentionSite, head: number): string =>
  `${stack}${stack && '.'}${layer}.${head}`;

/** A tensor that was computed. */
export interface NamedValues {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}
/** The named tensors of a pass; nothing above them is computed. @throws HeedError for a name that there is not */
export async function valuesOf(
  model: ExplainedModel,
  inputs: ModelInputs,
  names: readonly string[],
): Promise<NamedValues[]> {
  const view = trace(...Object.values(model.graph(inputs).outputs));
  return computed(names.map(name => view.get(name)));
}
/** Tensors and their elements, computed in one plan. */
export async function computed(tensors: readonly Tensor[]): Promise<NamedValues[]> {
  const data = await dataOfAll(...tensors);
  return tensors.map(({ shape }, i) => ({ shape, data: data[i]! }));
}

/** Whether a decoder looks at an encoder's states. */
export const hasEncoder = ({ parts }: ExplainedModel): boolean => headOf(parts).encode !== undefined;
/** The main logits `[B, T, V]` of a graph. @throws ConfigError when the head does not score every token of the vocabulary */
export function tokenLogits(model: ExplainedModel, graph: ModelGraph): Tensor {
  const { architecture, config, head } = model.parts;
  if (graph.logits.rank !== 3 || graph.logits.dim(2) < architecture.vocabSize(config))
    throw new ConfigError('this head does not predict tokens', {
      seen: head,
      expected: 'a decoder, an encoder-decoder or a masked language model',
    });
  return graph.logits;
}
