import { describe, expect, it } from 'vitest';
import { PickleDict, PickleSequence } from './pickle.ts';
import { namedTensors, plainFacts, stateDictPrefix } from './torch-names.ts';
import { TorchStorage, TorchTensor } from './torch-tensor.ts';

const tensor = () => new TorchTensor(new TorchStorage('0', 'F32', 4), 'F32', { shape: [], strides: [], offset: 0 }, 4);
const list = (...items: unknown[]) => new PickleSequence('list', items);
function dict(entries: Readonly<Record<string, unknown>> | readonly (readonly [unknown, unknown])[]): PickleDict {
  const made = new PickleDict();
  made.items.push(...(Array.isArray(entries) ? entries : Object.entries(entries)).flat());
  return made;
}
const flat = (...names: string[]) => dict(Object.fromEntries(names.map(name => [name, tensor()])));
const namesOf = (root: unknown) => [...namedTensors(root, 'x').keys()];
const prefixOf = (root: PickleDict) => stateDictPrefix(root, namesOf(root));

describe('namedTensors', () => {
  it('joins the keys on the way, in the order of the file', () => {
    const root = dict({
      'a.b': tensor(),
      epoch: 3,
      inner: dict([
        [0, dict({ exp_avg: tensor() })],
        ['list', list(1, tensor(), list(tensor()))],
        [new PickleSequence('tuple', []), 7],
      ]),
    });
    expect(namesOf(root)).toEqual(['a.b', 'inner.0.exp_avg', 'inner.list.1', 'inner.list.2.0']);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['a list', () => list(tensor()), /holds no state dict; seen: a list of 1; expected: a dict/],
    ['a tensor', tensor, /holds no state dict; seen: a tensor or a storage/],
    ['names that mean two tensors', () => dict({ 'a.b': tensor(), a: flat('b') }), /same name; seen: "a\.b"/],
    [
      'a key given twice',
      () =>
        dict([
          ['a', tensor()],
          ['a', tensor()],
        ]),
      /two tensors have the same name; seen: "a"/,
    ],
    ['a key that is no name', () => dict([[null, tensor()]]), /key on the way to a tensor is no name; seen: None/],
    ['a very long name', () => flat('n'.repeat(1001)), /name of a tensor is too long/],
  ])('refuses %s', (_, root, message) => {
    expect(() => namedTensors(root(), 'x')).toThrow(message);
    expect(() => namedTensors(root(), 'x')).toThrow(expect.objectContaining({ name: 'FormatError', where: 'x' }));
  });

  it('names tensors of a dict that stands in several places', () => {
    const shared = flat('w');
    expect(namesOf(dict({ model: shared, ema: shared }))).toEqual(['model.w', 'ema.w']);
  });

  it('does not follow containers that hold themselves or each other many times', () => {
    const self = dict({});
    self.items.push('self', self);
    expect(() => namesOf(self)).toThrow(/container holds itself; seen: "self"/);
    const twice = (bottom: unknown) => {
      let value = bottom;
      for (let i = 0; i < 40; i++) value = list(value, value);
      return dict({ value });
    };
    expect(namesOf(twice(list(1)))).toEqual([]);
    expect(() => namesOf(twice(tensor()))).toThrow(/same tensors stand in too many places; seen: "value\.0\.0/);
    let deep: unknown = tensor();
    for (let i = 0; i < 100_000; i++) deep = list(deep);
    expect(() => namesOf(dict({ deep }))).toThrow(/nested deeper than 64 levels/);
  });
});

describe('stateDictPrefix', () => {
  it.each<[string, PickleDict, string]>([
    ['a plain state dict', flat('a.weight', 'b.weight'), ''],
    ['names that begin like a wrapper', flat('model.embed.weight', 'lm_head.weight'), ''],
    [
      'a training checkpoint',
      dict({ model: flat('w'), optimizer: dict({ state: flat('x') }), step: tensor() }),
      'model.',
    ],
    ['state_dict before model', dict({ model: flat('w'), state_dict: flat('w') }), 'state_dict.'],
    ['a wrapper without tensors', dict({ model: dict({ name: 'x' }), w: tensor() }), ''],
    ['DataParallel', flat('module.a', 'module.b'), 'module.'],
    ['one name that only looks like it', flat('module.a', 'b'), ''],
    [
      'wrapped and compiled',
      dict({ model_state_dict: flat('module._orig_mod.a') }),
      'model_state_dict.module._orig_mod.',
    ],
    ['Lightning', dict({ 'pytorch-lightning_version': '2', state_dict: flat('net.a', 'net.b.c') }), 'state_dict.net.'],
    [
      'Lightning, several attributes',
      dict({ 'pytorch-lightning_version': '2', state_dict: flat('net.a', 'head.b') }),
      'state_dict.',
    ],
    [
      'Lightning, compiled',
      dict({ 'pytorch-lightning_version': '2', state_dict: flat('net._orig_mod.a') }),
      'state_dict.net._orig_mod.',
    ],
    ['no tensors', dict({ 'pytorch-lightning_version': '2' }), ''],
  ])('of %s', (_, root, expected) => expect(prefixOf(root)).toBe(expected));
});

describe('plainFacts', () => {
  it('gives single values beside the tensors, short ones', () => {
    const root = dict({ epoch: 3, big: 2n ** 70n, name: 'Größe', done: true, none: null, w: tensor(), l: list(1) });
    root.items.push('long', 'x'.repeat(1000), 5, 'a key that is no name');
    expect(plainFacts(root)).toEqual({ epoch: '3', big: '1180591620717411303424', name: 'Größe', done: 'true' });
  });
});
