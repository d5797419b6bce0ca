/**
 * Names for the tensors of a pickled object: the keys on the way to each, joined by dots; and which of them are the model's own
 * among what a training run has saved.
 */
import { FormatError } from '../errors.ts';
import { kindOf, PickleDict, PickleSequence } from './pickle.ts';
import { quoted } from './quoted.ts';
import { TorchTensor } from './torch-tensor.ts';

/** Deeper than what anyone saves. */
const MAX_DEPTH = 64;
/** A dict or list with tensors may be in a few places; were there no limit, a short file could hold endless names. */
const MAX_PLACES = 8;
const MAX_NAME_LENGTH = 1000;
/** Longer texts are no facts about a model. */
const MAX_FACT_LENGTH = 200;

/** Keys under which training scripts save the state dict, in the order of preference. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model', 'module'] as const;
/** What wrappers of modules (DataParallel, torch.compile) put in front of every name. */
const MODULE_PREFIXES = ['module.', '_orig_mod.'] as const;
/** Tells a file of Lightning, where a model is an attribute of the module that was trained. */
const LIGHTNING_KEY = 'pytorch-lightning_version';

/** Every tensor of an object, by its keys joined by dots. Throws FormatError if the object is no dict, or names are ambiguous. */
export function namedTensors(root: unknown, where: string): Map<string, TorchTensor> {
  if (!(root instanceof PickleDict)) {
    throw new FormatError('file holds no state dict', {
      seen: kindOf(root),
      expected: 'a dict of tensors by name',
      fix: 'save model.state_dict()',
      where,
    });
  }
  const tensors = new Map<string, TorchTensor>();
  /** Of every container, how often it was entered while it held tensors; undefined while it is being walked through. */
  const places = new Map<unknown, number | undefined>();
  const visit = (value: unknown, name: string, depth: number) => {
    if (value instanceof TorchTensor) {
      if (tensors.has(name)) throw new FormatError('two tensors have the same name', { seen: quoted(name), where });
      tensors.set(name, value);
      return;
    }
    const entered = places.get(value);
    if (entered === 0) return;
    if (places.has(value) && entered === undefined) {
      throw new FormatError('a container holds itself', { seen: quoted(name), where });
    }
    if (depth > MAX_DEPTH) throw new FormatError(`values are nested deeper than ${MAX_DEPTH} levels`, { where });
    if (entered === MAX_PLACES) {
      throw new FormatError('the same tensors stand in too many places', {
        seen: `${quoted(name)} and ${MAX_PLACES} others`,
        where,
      });
    }
    const before = tensors.size;
    places.set(value, undefined);
    for (const [key, item] of entriesOf(value)) {
      if (!isPlain(item)) visit(item, joined(name, key, where), depth + 1);
    }
    places.set(value, tensors.size > before ? (entered ?? 0) + 1 : 0);
  };
  visit(root, '', 0);
  return tensors;
}

const isPlain = (value: unknown) =>
  !(value instanceof TorchTensor || value instanceof PickleDict || value instanceof PickleSequence);

function* entriesOf(value: unknown): Generator<readonly [unknown, unknown]> {
  if (value instanceof PickleSequence) yield* value.items.entries();
  if (!(value instanceof PickleDict)) return;
  for (let i = 0; i < value.items.length; i += 2) yield [value.items[i], value.items[i + 1]];
}

function joined(name: string, key: unknown, where: string): string {
  if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'bigint') {
    throw new FormatError('key on the way to a tensor is no name', { seen: kindOf(key), where });
  }
  if (name.length + `${key}`.length > MAX_NAME_LENGTH) {
    throw new FormatError('name of a tensor is too long', { seen: quoted(`${name}.${key}`), where });
  }
  return name === '' ? `${key}` : `${name}.${key}`;
}

/**
 * What the names of the model's own tensors begin with, among `names` of everything in the object. The rule: the state dict is the
 * first of `state_dict`, `model_state_dict`, `model`, `module` that is a dict with tensors in it, else the object itself; what
 * wrappers of modules put in front of all its names belongs to the prefix, and in files of Lightning the attribute that
 * all of them have in common.
 */
export function stateDictPrefix(root: PickleDict, names: Iterable<string>): string {
  const wrapper = WRAPPERS.find(key => {
    const inner = root.get(key);
    return inner instanceof PickleDict && inner.items.some(item => item instanceof TorchTensor);
  });
  let prefix = wrapper === undefined ? '' : `${wrapper}.`;
  const own = [...names].filter(name => name.startsWith(prefix));
  const extend = (more: string | undefined) => {
    const fits = more !== undefined && own.length > 0 && own.every(name => name.startsWith(prefix + more));
    if (fits) prefix += more;
    return fits;
  };
  while (MODULE_PREFIXES.some(extend));
  if (root.get(LIGHTNING_KEY) !== undefined && extend(/^[^.]+\./.exec(own[0]?.slice(prefix.length) ?? '')?.[0])) {
    while (MODULE_PREFIXES.some(extend));
  }
  return prefix;
}

/** Single values that stand beside the tensors: the epoch, versions. */
export function plainFacts(root: PickleDict): Record<string, string> {
  const facts: [string, string][] = [];
  for (const [key, value] of entriesOf(root)) {
    if (typeof key !== 'string' || !['string', 'number', 'bigint', 'boolean'].includes(typeof value)) continue;
    const text = String(value);
    if (key.length + text.length <= MAX_FACT_LENGTH) facts.push([key, text]);
  }
  return Object.fromEntries(facts);
}
