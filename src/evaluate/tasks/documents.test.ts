import { describe, expect, it } from 'vitest';
import { conllDocs, jsonDocs, parallelDocs, squadDocs } from './documents.ts';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
/** Lines, and whether the one who reads them let go. */
function linesOf(...lines: string[]) {
  const state = { open: true };
  async function* read() {
    try {
      yield* lines;
    } finally {
      state.open = false;
    }
  }
  return { state, read: read() };
}

describe('data sets', () => {
  it('in CoNLL form are sentences', async () => {
    const lines = ['#\tsource', '1\tAnna\tB-PER\tO', '2\tgeht\tO\tO', '', '', '1\tBonn\tB-LOC\tO'];
    expect(await all(conllDocs(lines, 'x.tsv', { tokenColumn: 1, tagColumn: 2 }))).toEqual([
      { tokens: ['Anna', 'geht'], tags: ['B-PER', 'O'] },
      { tokens: ['Bonn'], tags: ['B-LOC'] },
    ]);
    expect(await all(conllDocs(['Anna B-PER', '#hashtag O'], 'x'))).toEqual([
      { tokens: ['Anna', '#hashtag'], tags: ['B-PER', 'O'] },
    ]);
    await expect(all(conllDocs(['a\tO', 'alone'], 'x.tsv'))).rejects.toThrow(/x\.tsv, line 2/);
  });
  it('in two files are pairs of lines', async () => {
    const [a, b] = [linesOf('eins', 'zwei'), linesOf('one', 'two')];
    expect(await all(parallelDocs(a.read, b.read, 'x'))).toEqual([
      { source: 'eins', target: 'one' },
      { source: 'zwei', target: 'two' },
    ]);
    await expect(all(parallelDocs(linesOf('eins').read, linesOf().read, 'x'))).rejects.toThrow(/ends before line 1/);
    const [c, d] = [linesOf('eins', 'zwei'), linesOf('one', 'two')];
    for await (const _ of parallelDocs(c.read, d.read, 'x')) break;
    expect([c.state.open, d.state.open]).toEqual([false, false]);
  });
  it('of questions are flat', () => {
    const answers = [
      { text: 'Bonn', answer_start: 3 },
      { text: 'in Bonn', answer_start: 0 },
    ];
    const json = {
      data: [{ title: 't', paragraphs: [{ context: 'in Bonn', qas: [{ id: '1', question: 'Wo?', answers }] }] }],
    };
    expect(squadDocs(json, 'x')).toEqual([
      { id: '1', title: 't', context: 'in Bonn', question: 'Wo?', answers: ['Bonn', 'in Bonn'] },
    ]);
    expect(() => squadDocs({ data: [{ paragraphs: [{ qas: [{ id: '1' }] }] }] }, 'x.json')).toThrow(
      /x\.json, article 0/,
    );
  });
  it('in JSON are rows', () => {
    expect(jsonDocs([{ a: 1 }], 'x')).toEqual([{ a: 1 }]);
    expect(jsonDocs({ rows: [{ a: 1 }] }, 'x', 'rows')).toEqual([{ a: 1 }]);
    expect(jsonDocs({ a: 1 }, 'x')).toEqual([{ a: 1 }]);
    expect(() => jsonDocs([1], 'x.json')).toThrow(/x\.json, row 0/);
  });
});
