/**
 * Parameters declared as data. A declaration is a tree of `ParamSpec`s under the checkpoint's names: it loads a file,
 * initialises, counts (GPT-3's 175 billion without weights) and prints. PascalCase functions declare, camelCase compute.
 */
import { type Shape, sizeOf, type Tensor } from '../tensor/index.ts';

export interface ParamSpec {
  readonly kind: 'param';
  /** Shape in use: `[out, in]` for every matrix. */
  readonly shape: Shape;
  readonly init: 'normal' | 'zeros' | 'ones';
  /** The file holds the transpose, `[in, out]`. */
  readonly transposed?: boolean;
  /** Takes part in matrix products, so that a backend may pack it. */
  readonly matrix?: boolean;
  /** Rows are looked up by ids. */
  readonly table?: boolean;
  /** Training leaves it as it is. A `buffer` is no parameter that counts, and a file may lack it: then it is as `init` says. */
  readonly constant?: 'frozen' | 'buffer';
}
export type Spec = ParamSpec | readonly Spec[] | { readonly [name: string]: Spec | undefined };

/** The tensors that a declaration describes, in the same tree: `Params<typeof Block>`. */
export type Params<S> = S extends (...args: never[]) => infer R
  ? Params<R>
  : S extends ParamSpec
    ? Tensor
    : S extends readonly (infer E)[]
      ? Params<E>[]
      : { [K in keyof S]: Params<S[K]> };

export const param = (
  shape: Shape,
  init: ParamSpec['init'],
  options: Pick<ParamSpec, 'transposed' | 'matrix' | 'table' | 'constant'> = {},
): ParamSpec => ({
  kind: 'param',
  shape,
  init,
  ...options,
});
export const repeat = <S>(n: number, make: (i: number) => S): S[] => Array.from({ length: n }, (_, i) => make(i));

const isParam = (spec: Spec): spec is ParamSpec => (spec as ParamSpec).kind === 'param';
const join = (prefix: string, key: string) => (prefix ? `${prefix}.${key}` : key);

/** Every parameter with its dotted name, in the order of the declaration. */
export function listParams(spec: Spec, prefix = ''): [name: string, spec: ParamSpec][] {
  if (isParam(spec)) return [[prefix, spec]];
  return Object.entries(spec).flatMap(([key, part]) => (part ? listParams(part as Spec, join(prefix, key)) : []));
}
/** The tree with a tensor in place of each declaration. */
export function mapSpec<S extends Spec>(
  spec: S,
  make: (name: string, spec: ParamSpec) => Tensor,
  prefix = '',
): Params<S> {
  if (isParam(spec)) return make(prefix, spec) as Params<S>;
  if (Array.isArray(spec)) return spec.map((part, i) => mapSpec(part as Spec, make, join(prefix, `${i}`))) as Params<S>;
  const parts = Object.entries(spec).filter(([, part]) => part);
  return Object.fromEntries(
    parts.map(([key, part]) => [key, mapSpec(part as Spec, make, join(prefix, key))]),
  ) as Params<S>;
}
/** Number of parameters. */
export const countParams = (spec: Spec): number =>
  listParams(spec).reduce((n, [, p]) => n + (p.constant === 'buffer' ? 0 : sizeOf(p.shape)), 0);
