import { describe, expect, it } from 'vitest';
import { groupParameters } from './parameter-tree.ts';

const entry = (name: string, shape = [4, 2], dtype = 'F32') => ({ name, shape, dtype });
const names = (...all: ReturnType<typeof entry>[]) => groupParameters(all).map(group => group.name);

describe('groupParameters', () => {
  it('joins layers that are alike, in the order of the file', () => {
    const layers = [0, 1, 2].flatMap(i => [entry(`h.${i}.a.weight`), entry(`h.${i}.b.weight`, [3])]);
    expect(groupParameters([entry('wte.weight', [10, 2]), ...layers])).toEqual([
      { name: 'wte.weight', shape: [10, 2], dtype: 'F32', times: 1, count: 20 },
      { name: 'h.{0..2}.a.weight', shape: [4, 2], dtype: 'F32', times: 3, count: 24 },
      { name: 'h.{0..2}.b.weight', shape: [3], dtype: 'F32', times: 3, count: 9 },
    ]);
  });
  it('keeps what differs in shape or dtype apart', () => {
    expect(names(entry('h.0.w'), entry('h.1.w', [9]), entry('h.2.w'), entry('h.3.w', [4, 2], 'F16'))).toEqual([
      'h.{0,2}.w',
      'h.1.w',
      'h.3.w',
    ]);
  });
  it('joins two numbers, as of layers and experts, if every combination is there', () => {
    const grid = [0, 1].flatMap(i => [0, 1, 2].map(j => entry(`l.${i}.e.${j}.w`)));
    expect(names(...grid)).toEqual(['l.{0..1}.e.{0..2}.w']);
    expect(names(...grid.slice(1))).toEqual(grid.slice(1).map(({ name }) => name));
  });
  it('sorts numbers as numbers', () => {
    expect(names(...['1', '10', '2', '9', '3'].map(i => entry(`h.${i}.w`)))).toEqual(['h.{1..3,9..10}.w']);
  });
  it('counts a single value and an empty tensor', () => {
    expect(groupParameters([entry('a', []), entry('b', [0, 4])]).map(group => group.count)).toEqual([1, 0]);
  });
  it('takes hostile names as they are, in linear time', () => {
    const deep = Array.from({ length: 20_000 }, () => '0').join('.');
    expect(names(entry('__proto__'), entry('constructor.0'), entry(''))).toEqual(['__proto__', 'constructor.0', '']);
    expect(names(entry(deep))).toEqual([deep]);
    const many = Array.from({ length: 100_000 }, (_, i) => entry(`h.${i}.w`));
    expect(names(...many)).toEqual(['h.{0..99999}.w']);
  });
});
