import { describe, expect, it } from 'vitest';
import { cut, padEnd, padStart, table, widthOf, wrap } from './layout.ts';

describe('widthOf', () => {
  it.each([
    ['', 0],
    ['plain', 5],
    ['naïve', 5],
    ['·Größe→✓', 8],
    ['nai\u0308ve', 5],
    ['日本', 4],
    ['👩‍👩‍👧', 2],
    ['\x1b[1mbold\x1b[0m', 4],
    ['█▏', 2],
  ])('%j is %i', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });
});

describe('padding and cutting', () => {
  it('count cells, not code units', () => {
    expect(padEnd('日', 4)).toBe('日  ');
    expect(padStart('日', 4)).toBe('  日');
    expect(cut('日本語', 4)).toBe('日…');
    expect(cut('short', 5)).toBe('short');
    expect(cut('longer', 5)).toBe('long…');
    expect(cut('🚤', 1)).toBe('…');
  });
  it('look at the beginning of a long text only', () => {
    expect(cut('日'.repeat(1_000_000), 5)).toBe('日日…');
    expect(cut('a'.repeat(1_000_000), 5)).toBe('aaaa…');
    expect(cut('👩‍👩‍👧'.repeat(1000), 5)).toBe('👩‍👩‍👧👩‍👩‍👧…');
  });
});

describe('wrap', () => {
  it('breaks at spaces and indents what follows', () => {
    expect(wrap('one two three four', 9)).toBe('one two\nthree\nfour');
    expect(wrap('one two three', 9, '  ')).toBe('one two\n  three');
  });
  it('leaves a word that is too long whole', () => {
    expect(wrap('a unbreakable b', 5)).toBe('a\nunbreakable\nb');
  });
});

describe('table', () => {
  it('aligns columns and pads no line', () => {
    expect(
      table(
        [
          ['a', '1'],
          ['long', '100'],
          ['b', ''],
        ],
        [{}, { align: 'right' }],
      ),
    ).toEqual(['a       1', 'long  100', 'b']);
  });
  it('shortens the beginnings of the column that gives way, at a dot if there is one', () => {
    const name = 'model.layers.0.self_attn.q_proj.weight';
    const [line] = table([[name, '[64, 64]']], [{ shrinks: true }, {}], 40);
    expect(line).toBe('…0.self_attn.q_proj.weight      [64, 64]');
    expect(table([[name, 'x']], [{ shrinks: true }, {}], 60)).toEqual([`${name}  x`]);
  });
  it('gives a column at least a few cells', () => {
    const [line] = table([['abcdefghijklmnopqrstuvwxyz', 'x']], [{ shrinks: true }, {}], 5);
    expect(line).toBe('…lmnopqrstuvwxyz  x');
  });
});
