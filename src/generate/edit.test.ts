import { describe, expect, it } from 'vitest';
import type { EditInput, Tag } from '../models/edits.ts';
import { DELETE, INSERT, KEEP, REPLACE } from '../models/edits.ts';
import type { Decoder, DecodeSession } from './decoder.ts';
import { edit, editAll, type RevisionEvent } from './edit.ts';
import type { EditModel } from './edit-model.ts';
import { chooseTags } from './edit-tags.ts';

const [START, END, M0, M1] = [1, 0, 90, 91];
const V = 100;
/** A network's answers: what is written with which probability, by the input it reads. */
type Writes = (input: EditInput) => readonly (readonly [probability: number, ids: readonly number[]])[];

/** Scores of the next token of rows that each follow one of a few texts. */
function scripted(inputs: readonly EditInput[], writes: Writes): Decoder {
  const open = ({ batch }: { batch: number }): DecodeSession => {
    let rows = Array.from({ length: batch }, (_, input) => ({ input, ids: [] as number[] }));
    let length = 0;
    return {
      get length() {
        return length;
      },
      async step(ids) {
        length += ids[0]!.length;
        rows = rows.map((row, r) => ({ ...row, ids: [...row.ids, ...ids[r]!] }));
        return rows.map(({ input, ids }) => {
          const begun = ids.slice(1);
          const logits = new Float32Array(V).fill(-30);
          const following = writes(inputs[input]!).filter(([, text]) => begun.every((id, i) => text[i] === id));
          const total = following.reduce((sum, [p]) => sum + p, 0);
          for (const next of new Set(following.map(([, text]) => text[begun.length] ?? END))) {
            const share = following.filter(([, text]) => (text[begun.length] ?? END) === next);
            logits[next] = Math.log(share.reduce((sum, [p]) => sum + p, 0) / total);
          }
          return logits;
        });
      },
      async reorder(parents) {
        rows = parents.map(p => rows[p]!);
      },
      trim() {},
      dispose() {},
    };
  };
  return { vocabSize: V, contextLength: undefined, open };
}

/** A model of tables: tags by text, fillings by input. */
function model(tags: (text: readonly number[]) => readonly Tag[], writes: Writes, contextLength?: number) {
  const sessions = { open: 0, made: 0 };
  const editor: EditModel = {
    contextLength,
    startId: START,
    markers: [M0, M1],
    endId: END,
    tag: async texts =>
      texts.map(({ text }) =>
        Float32Array.from(
          tags(text).flatMap(tag => [KEEP, DELETE, INSERT, REPLACE].map(t => Math.log(t === tag ? 0.7 : 0.1))),
        ),
      ),
    async fill(inputs) {
      sessions.open++;
      sessions.made++;
      return {
        decoder: scripted(inputs, writes),
        prompts: inputs.map(() => [START]),
        dispose: () => void sessions.open--,
      };
    },
  };
  return { editor, sessions };
}
const keepAll = (text: readonly number[]): Tag[] => [KEEP, ...text.map((): Tag => KEEP)];

describe('tags', () => {
  const logp = (rows: readonly (readonly number[])[]) => Float32Array.from(rows.flat().map(Math.log));
  it('are the best of each place; the start stays', () => {
    const rows = [
      [0.2, 0.5, 0.2, 0.1],
      [0.1, 0.2, 0.3, 0.4],
      [0.1, 0.6, 0.2, 0.1],
    ];
    const { tags, score } = chooseTags(logp(rows), 9, false);
    expect(tags).toEqual([KEEP, REPLACE, DELETE]);
    expect(score).toBeCloseTo(Math.log(0.2 * 0.4 * 0.6), 6);
    expect(chooseTags(logp(rows), 9, true).tags[0]).toBe(INSERT);
  });
  it('with text are as many as there are markers, the surest', () => {
    const rows = [
      [0.3, 0.1, 0.5, 0.1],
      [0.1, 0.3, 0.1, 0.5],
      [0.05, 0.05, 0.1, 0.8],
    ];
    const limited = chooseTags(logp(rows), 1, false);
    expect(limited.tags).toEqual([KEEP, DELETE, REPLACE]);
    expect(limited.score).toBeCloseTo(Math.log(0.3 * 0.3 * 0.8), 6);
  });
});

describe('generation by edits', () => {
  it('edits until all is kept, and sums what it cost', async () => {
    // 10 20 30 -> 10 40 50 30 (20 replaced by two), then 30 deleted, then done.
    const { editor, sessions } = model(
      text => {
        const key = `${text}`;
        if (key === '10,20,30') return [KEEP, KEEP, REPLACE, KEEP];
        return key === '10,40,50,30' ? [KEEP, KEEP, KEEP, KEEP, DELETE] : keepAll(text);
      },
      () => [[1, [M0, 40, 50]]],
    );
    const events = [];
    for await (const event of edit(editor, [[10, 20, 30]], { numBeams: 1, revisionBeams: 1 })) events.push(event);
    const last = events.at(-1)!;
    expect(events.map(({ type }) => type)).toEqual(['revision', 'revision', 'revision', 'done']);
    expect(last.texts[0]).toMatchObject({ ids: [10, 40, 50], revisions: 2, finished: 'done' });
    // 4 + 5 + 4 tags of probability 0.7; the fillings are certain.
    expect((last.texts[0] as { score: number }).score).toBeCloseTo(13 * Math.log(0.7), 4);
    expect(sessions).toEqual({ open: 0, made: 1 });
  });
  it('keeps the best of all revisions of all texts', async () => {
    // From nothing: 10 or 11. From 10: 12 (0.5) or 13 (0.5); from 11: 14 for certain.
    const { editor } = model(
      text => (text.length < 2 ? [...keepAll(text).slice(0, -1), INSERT] : keepAll(text)),
      ({ ids }) => {
        if (ids.length === 1)
          return [
            [0.6, [M0, 10]],
            [0.4, [M0, 11]],
          ];
        return ids[1] === 10
          ? [
              [0.5, [M0, 12]],
              [0.5, [M0, 13]],
            ]
          : [[1, [M0, 14]]];
      },
    );
    const run = (more: object) => editAll(editor, [[]], { steps: 2, numBeams: 2, ...more });
    const greedy = await run({ revisionBeams: 1 });
    expect(greedy.texts[0]!.ids[0]).toBe(10);
    const wide = await run({ revisionBeams: 3 });
    expect(wide.texts[0]!.ids).toEqual([11, 14]);
    expect(wide.texts[0]!.score).toBeCloseTo(Math.log(0.4) + 3 * Math.log(0.7), 3);
    const revisions: RevisionEvent[] = [];
    for await (const event of edit(editor, [[]], { steps: 2, numBeams: 2 }))
      if (event.type === 'revision') revisions.push(event);
    expect(revisions.map(({ texts }) => texts[0]!.length)).toEqual([2, 3]);
    const scores = revisions[1]!.texts[0]!.map(({ score }) => score);
    expect([...scores].sort((a, b) => b - a)).toEqual(scores);
  });
  it('begins an empty text with an insertion whatever the tagger says', async () => {
    const { editor } = model(keepAll, () => [[1, [M0, 33]]]);
    const { texts } = await editAll(editor, [[], [5]]);
    expect(texts.map(({ ids }) => ids)).toEqual([[33], [5]]);
    expect(texts.map(({ revisions }) => revisions)).toEqual([1, 0]);
  });
  it('draws with a seed, each text for itself', async () => {
    const { editor } = model(
      text => (text.length < 1 ? [INSERT] : keepAll(text)),
      () => [10, 11, 12, 13].map(id => [0.25, [M0, id]] as const),
    );
    const drawn = async (seed: number, texts: number[][] = [[]]) =>
      (await editAll(editor, texts, { numBeams: 1, topP: 1, seed })).texts.map(({ ids }) => ids[0]);
    expect(await drawn(3)).toEqual(await drawn(3));
    const many = new Set((await Promise.all(Array.from({ length: 30 }, (_, seed) => drawn(seed)))).flat());
    expect(many).toEqual(new Set([10, 11, 12, 13]));
    // Beside others, too: text i draws as it would alone with seed + i.
    const alone = await Promise.all([3, 4, 5, 6, 7].map(seed => drawn(seed)));
    expect(await drawn(3, [[], [], [], [], []])).toEqual(alone.flat());
    const { seed } = await editAll(editor, [[]], { topP: 0.9 });
    expect(Number.isSafeInteger(seed)).toBe(true);
  });
  it('stops at a text too long for the networks, and when it is aborted', async () => {
    const grow = model(
      text => [...keepAll(text).slice(0, -1), INSERT],
      () => [[1, [M0, 7, 7]]],
      8,
    );
    const { texts } = await editAll(grow.editor, [[7]], { sources: [[2, 2]], numBeams: 1 });
    expect(texts[0]).toMatchObject({ ids: [7, 7, 7, 7, 7], finished: 'length' });
    expect(() => edit(grow.editor, [[1, 1, 1, 1, 1, 1]], { sources: [[2, 2]] })).toThrow(
      /text does not fit.*6 tokens.*at most 5.*text 0/,
    );
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(editAll(grow.editor, [[7]], { signal: controller.signal })).rejects.toThrow('enough');
    expect(grow.sessions.open).toBe(0);
  });
  it('refuses options that cannot be, all at once', () => {
    const { editor } = model(keepAll, () => []);
    const wrong = { steps: 0, numBeams: 1.5, topP: 2, sources: [], beams: 3 } as object;
    expect(() => edit(editor, [[1]], wrong)).toThrow(
      /beams is no option.*steps = 0.*numBeams = 1.5.*topP = 2.*0 sources for 1 texts/,
    );
    expect(() => edit(editor, [])).toThrow(/no texts/);
  });
});
