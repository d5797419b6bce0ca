/**
 * Adapters: small matrices beside the frozen ones of a model. Hu et al. 2021, "LoRA"; Kalajdzievski 2023, "rsLoRA", is the
 * same with another scale; Liu et al. 2024, "DoRA", besides learns the length of every row of the weight.
 *
 * An adapter is data in the tree of parameters: `linear` and `embedding` apply what stands beside the weight that they use. So
 * no model file knows of adapters, and several trees share the weights of one model.
 */
import { ConfigError } from '../errors.ts';
import { gather, linear as product, stopGradient, type Tensor } from '../tensor/index.ts';

/** What is learned beside a weight W `[out, in]`: y becomes y + scale * (x Aᵀ) Bᵀ. */
export interface LowRank {
  /** A `[r, in]`; of a table `[rows, r]`, a row for each of its own. */
  readonly down: Tensor;
  /** B `[out, r]` */
  readonly up: Tensor;
  /** `[out]`: B's bias. */
  readonly bias?: Tensor | undefined;
  /** α / r, or α / √r with rsLoRA. */
  readonly scale: number;
  /** DoRA. */
  readonly direction?: Direction | undefined;
  /** It belongs to a table, whose rows are looked up. */
  readonly table?: boolean | undefined;
}
/** The rows of W + scale * B A, and how long they are to be; all `[out]`. */
export interface Direction {
  readonly magnitude: Tensor;
  /**
   * Parts of the squared lengths as they are without the magnitude: |W|² + 2 scale W·(B A) + scale² |B A|². They need the whole
   * weight and are computed once, or when A and B change; their sum is cheap, whatever the scale.
   */
  readonly squares: { readonly weight: Tensor; readonly cross: Tensor; readonly own: Tensor };
}
/** The adapters of a linear layer in the order in which they apply, in its parameters. */
export interface Adapted {
  readonly adapters?: readonly LowRank[] | undefined;
}
/** Those of a table. The same matrix may also be an output layer: that one's are apart. */
export interface AdaptedTable {
  readonly lookups?: readonly LowRank[] | undefined;
}

/** Lengths of the rows, `[out]`. Nothing learns through them (section 4.3 of the paper). */
export const rowLengths = ({ squares: { weight, cross, own } }: Direction, scale: number): Tensor =>
  stopGradient(weight.add(cross.mul(2 * scale)).add(own.mul(scale * scale))).sqrt();

/** Those parts of the squared lengths that A and B have a share in, `[out]` each. */
export function lengthParts(weight: Tensor, down: Tensor, up: Tensor): { cross: Tensor; own: Tensor } {
  const perRow = (x: Tensor) => x.mul(up).sum(-1).reshape(up.dim(0));
  return { cross: perRow(product(down, weight).transpose()), own: perRow(product(up, product(down, down))) };
}

/** y `[..., out]`, the layer's output for x `[..., in]`, with all that its adapters add. @param bias the layer's own, in y */
export function addLowRank(adapters: readonly LowRank[], x: Tensor, y: Tensor, bias?: Tensor): Tensor {
  return adapters.reduce((sum, { down, up, bias: upBias, scale, direction }) => {
    const change = product(product(x, down), up, upBias).mul(scale);
    if (!direction) return sum.add(change);
    const factor = direction.magnitude.div(rowLengths(direction, scale));
    const turned = (bias ? sum.sub(bias) : sum).add(change).mul(factor);
    return bias ? turned.add(bias) : turned;
  }, y);
}
/** y `[..., C]`, the rows of a table for ids i32 `[...]`, with all that its adapters add. */
export const addLookups = (lookups: readonly LowRank[], ids: Tensor, y: Tensor): Tensor =>
  lookups.reduce((sum, { down, up, scale }) => sum.add(product(gather(down, ids), up).mul(scale)), y);

/** What an adapter says of a model: by the names of layers what is added, by the names of parameters what takes their place. */
export interface AdapterParams {
  readonly layers: Readonly<Record<string, LowRank>>;
  readonly saved: Readonly<Record<string, Tensor>>;
  /** Matrices of tied output layers, and the tables that they keep although the adapter changes these. */
  readonly kept: Readonly<Record<string, string>>;
}
type Node = Readonly<Record<string, unknown>>;

/**
 * A tree of parameters with an adapter in it; the tree it was made from stays as it is, and shares its tensors.
 * @param strength factor of everything that the adapter adds
 * @throws ConfigError when the tree has no such layer
 */
export function adaptParameters<P>(params: P, { layers, saved, kept }: AdapterParams, strength = 1): P {
  let tree: unknown = params;
  const put = (name: string, tensor: unknown) => {
    const cut = name.lastIndexOf('.');
    tree = changed(tree, name.slice(0, Math.max(0, cut)), node => ({ ...node, [name.slice(cut + 1)]: tensor }));
  };
  for (const [output, table] of Object.entries(kept)) if (!nodeOf(tree, output)) put(output, nodeOf(tree, table));
  for (const [name, own] of Object.entries(layers))
    tree = changed(tree, name, node => {
      const list = own.table ? 'lookups' : 'adapters';
      const before = (node[list] ?? []) as readonly LowRank[];
      return { ...node, [list]: [...before, { ...own, scale: own.scale * strength }] };
    });
  for (const [name, tensor] of Object.entries(saved)) put(name, tensor);
  return tree as P;
}

/** The node of a dotted name in a tree of parameters; undefined when there is none. */
export function nodeOf(tree: unknown, name: string): unknown {
  return name.split('.').reduce<unknown>((node, key) => (isNode(node) ? node[key] : undefined), tree);
}
const isNode = (node: unknown): node is Node => typeof node === 'object' && node !== null;

/** The tree with one node changed; those above it are copied. */
function changed(tree: unknown, name: string, change: (node: Node) => Node): unknown {
  const at = (node: unknown, keys: readonly string[]): unknown => {
    if (!isNode(node))
      throw new ConfigError('the adapter is for another model', { seen: `a layer ${name}, which this one lacks` });
    const [key, ...rest] = keys;
    if (key === undefined) return change(node);
    const below = at(node[key], rest);
    return Array.isArray(node) ? node.map((x, i) => (`${i}` === key ? below : x)) : { ...node, [key]: below };
  };
  return at(tree, name === '' ? [] : name.split('.'));
}
