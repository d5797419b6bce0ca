import { describe, expect, it } from 'vitest';
import { fakeTerminal } from '../../test/cli/fake-terminal.ts';
import { summary } from './commands/trace.ts';
import { widthOf } from './layout.ts';
import { numberLines, patternLines, shade, shadeLines } from './matrix-view.ts';
import { createMessages, languageOf } from './messages.ts';
import { createNumbers } from './numbers.ts';
import { bar, createProbabilityTable } from './probability-table.ts';
import { createPaint, withoutCommands } from './terminal.ts';
import { quote, tokenLabels } from './token-label.ts';

const plain = createPaint(false);

describe('bar', () => {
  it('has eighths of a cell, and shows whatever is above 0', () => {
    expect(bar(0, 10)).toBe('');
    expect(bar(1e-9, 10)).toBe('▏');
    expect(bar(0.5, 10)).toBe('█████');
    expect(bar(0.55, 10)).toBe('█████▌');
    expect(bar(1, 10)).toBe('██████████');
    expect(bar(7, 4)).toBe('████');
  });
});

describe('probability table', () => {
  const say = createMessages('en');
  const rows = (columns: number) =>
    createProbabilityTable(fakeTerminal({ columns }), say, createNumbers('en'), id => `"${id}"`);
  const event = {
    type: 'token' as const,
    sequence: 0,
    text: 'x',
    id: 3,
    logprob: Math.log(0.5),
    top: [3, 4, 5, 6].map((id, i) => ({ id, logprob: Math.log([0.5, 0.25, 0.125, 1e-6][i]!) })),
  };
  it('shows a token, its share and the others, without those of no weight', () => {
    expect(rows(80).row(event)).toBe('"3"                50.0 %  █████       "4" 25.0 %  "5" 12.5 %\n');
  });
  it('leaves out what does not fit', () => {
    expect(rows(55).row(event)).toBe('"3"                50.0 %  █████       "4" 25.0 %\n');
    for (const line of rows(60).header().split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(60);
  });
});

describe('attention patterns', () => {
  const matrix = { data: [1, 0, 0.25, 0.75], rows: 2, columns: 2 };
  it('are percent where there is room', () => {
    const { lines, asNumbers } = patternLines(matrix, { rows: ['" a"', '"bc"'], columns: ['" a"', '"bc"'] }, 40, plain);
    expect(asNumbers).toBe(true);
    expect(lines).toEqual(['           a    bc', '" a"     100     ·', '"bc"      25    75']);
  });
  it('are shades where there is none', () => {
    expect(patternLines(matrix, { rows: ['" a"', '"bc"'], columns: ['" a"', '"bc"'] }, 13, plain)).toEqual({
      lines: ['" a"  ██', '"bc"  ░░▓▓'],
      asNumbers: false,
    });
  });
  it('label the queries of a longer context with its last tokens, and never break a line', () => {
    const wide = { data: new Float32Array(200).fill(0.5), rows: 2, columns: 100 };
    const lines = shadeLines(
      wide,
      Array.from({ length: 100 }, (_, i) => `#${i}`),
      80,
    );
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^#99 {2}▒+$/);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(80);
  });
  it('shade from nothing to full', () => {
    expect([0, 0.001, 0.02, 0.5, 0.75, 1].map(shade).join('')).toBe('  ░▒▓█');
  });
});

describe('matrices of numbers', () => {
  it('say when columns are left out', () => {
    const matrix = { data: Float32Array.from({ length: 40 }, (_, i) => i / 2), rows: 2, columns: 20 };
    const { lines, complete } = numberLines(matrix, ['a', 'b'], 40, plain);
    expect(complete).toBe(false);
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^a +0 +0\.5000 +1 …$/);
    expect(numberLines(matrix, ['a', 'b'], 300, plain).complete).toBe(true);
  });
});

describe('summary', () => {
  it('keeps a small spread around a large mean', () => {
    const { mean, std, min, max } = summary(Float64Array.from([1e8, 1e8 + 2]));
    expect([mean, std, min, max]).toEqual([1e8 + 1, 1, 1e8, 1e8 + 2]);
  });
});

describe('token labels', () => {
  it('show what is invisible', () => {
    expect(quote(' a\n"\u00a0')).toBe('" a\\n\\"\\u00a0"');
  });
  it('are numbers without a tokenizer', () => {
    expect(tokenLabels(undefined)(17)).toBe('#17');
  });
});

describe('language', () => {
  it('comes from the environment', () => {
    expect(languageOf({ LANG: 'de_DE.UTF-8' })).toBe('de');
    expect(languageOf({ LANG: 'de_AT' })).toBe('de');
    expect(languageOf({ LANG: 'de' })).toBe('de');
    expect(languageOf({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' })).toBe('en');
    expect(languageOf({ LANG: 'default' })).toBe('en');
    expect(languageOf({})).toBe('en');
  });
});

describe('what a terminal is told', () => {
  it('may be coloured, but holds no commands', () => {
    const harmless = '\x1b[1mé日👩‍👧\x1b[0m\tx\r\x1b[K\n';
    expect(withoutCommands(harmless)).toBe(harmless);
    expect(withoutCommands('a\x1b]52;c;cm0gLXJm\x07b\x9b2Jc\x1b[2Jd\x1bPe')).toBe('a]52;c;cm0gLXJmb2Jc[2JdPe');
  });
});
