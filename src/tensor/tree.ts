/** Trees of tensors: nested plain objects and arrays, as parameters are kept. */
import { Tensor } from './tensor.ts';

export type Tree = Tensor | readonly Tree[] | { readonly [name: string]: Tree | undefined };

/** The leaves with their dotted names, in the order of the tree. */
export function leavesOf(tree: unknown, prefix = ''): [name: string, tensor: Tensor][] {
  if (tree instanceof Tensor) return [[prefix, tree]];
  if (tree === null || typeof tree !== 'object') return [];
  return Object.entries(tree).flatMap(([key, value]) => leavesOf(value, prefix ? `${prefix}.${key}` : key));
}

/** A tree of the same form with every tensor changed by `f`. Other values are kept. */
export function mapTree<T>(tree: T, f: (tensor: Tensor, name: string) => Tensor, prefix = ''): T {
  if (tree instanceof Tensor) return f(tree, prefix) as T;
  if (tree === null || typeof tree !== 'object') return tree;
  const at = (key: string | number) => (prefix ? `${prefix}.${key}` : `${key}`);
  if (Array.isArray(tree)) return tree.map((value, i) => mapTree(value, f, at(i))) as T;
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, mapTree(value, f, at(key))])) as T;
}
