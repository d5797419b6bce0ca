/** Edit diffusion: the damage against the published numbers, the way back, what both networks learn, and edits that repair a text. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWasmBackend, type WasmBackend } from '../../src/backends/wasm/index.ts';
import { create, editAll, ModelEditor } from '../../src/index.ts';
import { applyEdits, DELETE, INSERT, isFilled, KEEP, REPLACE, readFillings, type Tag } from '../../src/models/edits.ts';
import { batches, rowsOf, tokenizeRows } from '../../src/train/data/index.ts';
import { train, validate } from '../../src/train/index.ts';
import { alignEdits } from '../../src/train/objectives/edit-alignment.ts';
import {
  cutEdits,
  damage,
  damageOnce,
  EDIT_NOISE,
  tokenEdits,
  undone,
  type Word,
} from '../../src/train/objectives/edit-corruption.ts';
import { editFilling, editTagging } from '../../src/train/objectives/index.ts';
import { createRng } from '../../src/util/rng.ts';
import { MASK_TOKENIZER, SENTINEL_TOKENIZER, TEXT_TOKENIZER } from './objectives-tokenizers.ts';

const POOL: Word[] = Array.from({ length: 50 }, (_, i) => [-1 - i]);
const UNLIMITED = Number.POSITIVE_INFINITY;
/** Words of one to three tokens, all different. */
const wordsOf = (count: number): Word[] =>
  Array.from({ length: count }, (_, i) => Array.from({ length: 1 + (i % 3) }, (_, j) => 10 * i + j));
const table = (rows: unknown) => Array.from(rows as ArrayLike<number>[], row => Array.from(row));

describe('damage by edits', () => {
  it('is 20 % replacements, 10 % insertions and 10 % deletions of Poisson length', () => {
    const words = wordsOf(40_000);
    const { words: noisy, tags, fillings } = damageOnce(words, POOL, EDIT_NOISE, createRng(1), UNLIMITED);
    const kept = noisy.filter(([id]) => id! >= 0).length;
    const noise = noisy.length - kept;
    const count = (tag: Tag) => tags.filter(t => t === tag).length;
    // Seven of ten draws keep a word; lengths have mean 3 + e^-3, as 0 counts as 1.
    const mean = 3 + Math.exp(-3);
    const per = (share: number) => (kept * share) / 0.7;
    const near = (seen: number, expected: number) => expect(Math.abs(seen / expected - 1)).toBeLessThan(0.05);
    near(count(REPLACE), per(0.2));
    near(noise, per(0.3) * mean);
    near(
      fillings.reduce((n, filling) => n + filling.length, 0),
      per(0.3) * mean,
    );
    near(count(DELETE), per(0.1) * mean + per(0.2) * (mean - 1));
    expect(count(KEEP) + count(DELETE) + count(INSERT) + count(REPLACE)).toBe(noisy.length + 1);
    expect(count(INSERT)).toBeLessThan(per(0.1));
  });
  it('is undone by its tags and fillings, whatever was drawn', () => {
    for (let seed = 0; seed < 500; seed++) {
      const words = wordsOf(seed % 40);
      const once = damageOnce(words, POOL, EDIT_NOISE, createRng(2, seed), UNLIMITED);
      expect(undone(once)).toEqual(words.flat());
      const heavy = { replace: 0.4, insert: 0.3, delete: 0.3, poissonLambda: 2 };
      expect(undone(damageOnce(words, POOL, heavy, createRng(3, seed), UNLIMITED))).toEqual(words.flat());
      const few = damageOnce(words, POOL, heavy, createRng(3, seed), 2);
      expect(few.fillings.length).toBeLessThanOrEqual(2);
      expect(undone(few)).toEqual(words.flat());
    }
  });
  it('in several steps leads back one step', () => {
    const words = wordsOf(30);
    const one = damage(words, POOL, { noise: EDIT_NOISE, steps: 1, most: 99 }, createRng(4));
    expect(undone(one)).toEqual(words.flat());
    const original = new Set(words.flat());
    const left = (steps: number) => {
      const { words: noisy } = damage(words, POOL, { noise: EDIT_NOISE, steps, most: 99 }, createRng(5));
      return noisy.flat().filter(id => original.has(id)).length;
    };
    expect(left(1)).toBeGreaterThan(left(12));
  });
  it('of a cut text keeps the fillings that belong to it', () => {
    for (let seed = 0; seed < 50; seed++) {
      const edits = tokenEdits(damageOnce(wordsOf(30), POOL, EDIT_NOISE, createRng(6, seed), UNLIMITED));
      const cut = cutEdits(edits, 12, UNLIMITED);
      expect([cut.ids.length, cut.tags.length]).toEqual([12, 13]);
      expect(cut.tags.filter(isFilled).length).toBe(cut.fillings.length);
      const whole = wordsOf(30).flat();
      const restored = applyEdits(cut.ids, cut.tags, cut.fillings);
      expect(whole.slice(0, restored.length)).toEqual(restored);
      for (const most of [1, 2]) {
        const few = cutEdits(edits, 99, most);
        expect(few.fillings.length).toBe(Math.min(most, edits.fillings.length));
        expect(few.tags.length).toBe(few.ids.length + 1);
      }
    }
  });
});

describe('edits between two texts', () => {
  const words = (text: string): Word[] => Array.from(text, sign => [sign.charCodeAt(0)]);
  const tagsOf = (from: string, to: string) => {
    const { tags, fillings } = alignEdits(words(from), words(to));
    const text = fillings.map(filling => String.fromCharCode(...filling.flat()));
    return `${tags.map(tag => 'KDIR'[tag]).join('')} ${text}`;
  };
  it('are the fewest, joined to spans', () => {
    expect(tagsOf('abc', 'abc')).toBe('KKKK ');
    expect(tagsOf('abc', 'axbc')).toBe('KIKK x');
    expect(tagsOf('abc', 'xyabc')).toBe('IKKK xy');
    expect(tagsOf('abcd', 'ad')).toBe('KKDDK ');
    expect(tagsOf('abcd', 'axyzd')).toBe('KKRDK xyz');
    expect(tagsOf('abcd', 'axd')).toBe('KKRDK x');
    expect(tagsOf('', 'ab')).toBe('I ab');
    expect(tagsOf('ab', '')).toBe('KDD ');
    // Of two equal ways the one that matches at the end.
    expect(tagsOf('aa', 'a')).toBe('KDK ');
    expect(tagsOf('abab', 'bb')).toBe('KDKDK ');
  });
  it('lead from any text to any other', () => {
    const rng = createRng(9);
    const random = () => Array.from({ length: rng.below(12) }, (): Word => [rng.below(3)]);
    for (let i = 0; i < 500; i++) {
      const [from, to] = [random(), random()];
      const edits = alignEdits(from, to);
      expect(undone(edits)).toEqual(to.flat());
      expect(edits.tags.length).toBe(from.length + 1);
    }
  });
  it('are learned from drafts', async () => {
    const row = { draft: 'the dog dog sees', text: 'the old dog sees' };
    const options = { tokenizer: SENTINEL_TOKENIZER, maxLength: 20, draftColumn: 'draft' };
    const tagging = editTagging(options);
    const filling = editFilling({ ...options, maxTargetLength: 9, maxFillings: 1 });
    const data = await tokenizeRows(rowsOf([row]), tagging);
    expect(tagging.drawsPartners).toBe(false);
    const examples = await data.get([0]);
    const { inputs } = tagging.batch(examples, [createRng(1)]);
    expect(table(inputs.labels)).toEqual([[KEEP, KEEP, REPLACE, KEEP, KEEP]]);
    const { labels } = filling.batch(examples, [createRng(1)]).inputs;
    expect(SENTINEL_TOKENIZER.decode(table(labels)[0]!)).toBe('<extra_id_0> old </s>');
  });
});

const CIRCLE = ['the', 'dog', 'cat', 'bird', 'tree', 'house', 'sees', 'likes', 'finds', 'small', 'old', 'red'];
const around = (start: number, count: number) =>
  Array.from({ length: count }, (_, i) => CIRCLE[(start + i) % CIRCLE.length]!).join(' ');
const texts = Array.from({ length: 120 }, (_, i) => ({ text: around(i, 6), source: around(i, 2) }));
const tokenizer = SENTINEL_TOKENIZER;
const markers = Array.from({ length: 8 }, (_, i) => tokenizer.tokenToId(`<extra_id_${i}>`)!);
const end = tokenizer.specialTokens.eos!;
// One step of light damage, which a small network can learn to undo.
const light = {
  tokenizer,
  maxLength: 32,
  steps: 1,
  noise: { replace: 0.1, insert: 0.05, delete: 0.05, poissonLambda: 1 },
};

describe('edit objectives', () => {
  it('show the same edits to both networks, with the source behind them', async () => {
    const options = { ...light, sourceColumn: 'source', steps: 3 };
    const tagging = editTagging(options);
    const filling = editFilling({ ...options, maxTargetLength: 40, maxFillings: 8 });
    const data = await tokenizeRows(rowsOf(texts), tagging);
    const ids = Array.from({ length: 40 }, (_, i) => i);
    const [examples, partners] = [await data.get(ids), await data.get(ids.map(i => i + 40))];
    const rngs = () => ids.map(i => createRng(7, i));
    const tagged = tagging.batch(examples, rngs(), partners).inputs;
    const filled = filling.batch(examples, rngs(), partners).inputs;
    const [read, tags, types] = [table(tagged.input_ids), table(tagged.labels), table(tagged.token_type_ids)];
    const [given, kinds, targets] = [table(filled.input_ids), table(filled.token_type_ids), table(filled.labels)];
    let edits = 0;
    read.forEach((row, b) => {
      const source = Array.from(examples[b]!.source);
      const length = tags[b]!.indexOf(-100);
      expect(row[0]).toBe(end);
      expect(row.slice(length, length + source.length)).toEqual(source);
      expect(types[b]!.slice(0, length + source.length)).toEqual([
        ...row.slice(0, length).map(() => 0),
        ...source.map(() => 3),
      ]);
      const own = tags[b]!.slice(0, length) as Tag[];
      const left = row.slice(0, length).filter((_, i) => own[i] !== DELETE);
      expect(given[b]!.slice(0, left.length + source.length)).toEqual([...left, ...source]);
      expect(kinds[b]!.filter(kind => kind === 1 || kind === 2).length).toBe(own.filter(isFilled).length);
      const fillings = readFillings(
        targets[b]!.filter(id => id !== -100),
        markers,
        end,
        own.filter(isFilled).length,
      );
      expect(fillings.every(filling => filling.length > 0)).toBe(true);
      edits += own.filter(tag => tag !== KEEP).length;
    });
    expect(edits).toBeGreaterThan(40);
    const { tokens } = tagging.batch(examples, rngs(), partners);
    expect(tokens).toBe(tags.flat().filter(tag => tag !== -100).length);
  });
  it('need sentinels, an end, weights and shares that can be', () => {
    expect(() => editFilling({ ...light, tokenizer: MASK_TOKENIZER, maxTargetLength: 9 })).toThrow(/no <extra_id_0>/);
    expect(() => editTagging({ ...light, tagWeights: [1, 1] })).toThrow(/every tag has a weight/);
    expect(() => editTagging({ ...light, noise: { replace: 0.9, insert: 0.2 } })).toThrow(/no such noise/);
    expect(() => editTagging({ ...light, steps: 0 })).toThrow(/steps is a whole number/);
    expect(editTagging({ ...light, tokenizer: TEXT_TOKENIZER }).drawsPartners).toBe(true);
  });
});

describe('two networks', () => {
  let backend: WasmBackend;
  beforeAll(async () => {
    backend = await createWasmBackend({ threads: 1, relaxed: false, revectorize: false });
  });
  afterAll(() => backend.close());

  it('learn to find and to fill, and together repair a text', async () => {
    const config = {
      ...{ model_type: 'diffuser', vocab_size: tokenizer.vocabSize, d_model: 32, max_position_embeddings: 40 },
      ...{ encoder_layers: 1, decoder_layers: 1, encoder_attention_heads: 2, decoder_attention_heads: 2 },
      ...{ encoder_ffn_dim: 64, decoder_ffn_dim: 64, eos_token_id: end, init_std: 0.15 },
    };
    const learn = async <C extends string>(
      objective: Parameters<typeof batches<C>>[0]['objective'],
      head: 'tokenClassification' | 'seq2seqLM',
      steps: number,
    ) => {
      const model = await create(config, { backend, head, seed: 2 });
      const data = await tokenizeRows(rowsOf(texts), objective);
      const order = { data, objective, batchSize: 16, seed: 3 };
      const { lossOf } = objective;
      const held = batches({ ...order, seed: 4, epochs: 1, shuffle: false });
      const before = await validate(model.parts, held, { lossOf });
      for await (const event of train(model, {
        ...{ batches: batches(order), lossOf, maxSteps: steps, learningRate: 5e-3, lrSchedulerType: 'linear' },
      }))
        expect(event.type).not.toBe('warning');
      const after = await validate(model.parts, held, { lossOf });
      return { model, before: before.loss, after: after.loss };
    };
    const tagger = await learn(editTagging(light), 'tokenClassification', 500);
    const generator = await learn(editFilling({ ...light, maxTargetLength: 32, maxFillings: 8 }), 'seq2seqLM', 200);
    expect(tagger.before).toBeGreaterThan(1.2);
    expect(tagger.after).toBeLessThan(0.8);
    expect(generator.before).toBeGreaterThan(3.5);
    expect(generator.after).toBeLessThan(0.9);
    const editor = new ModelEditor(tagger.model.parts, generator.model.parts, { startId: end, markers, endId: end });
    const idsOf = (text: string) => tokenizer.encodeIds(text, { addSpecialTokens: false });
    // A stray word, and a replaced one.
    const broken = ['the dog cat old bird tree house', 'old red the tree cat bird'];
    const { texts: repaired } = await editAll(editor, broken.map(idsOf));
    const whole = ['the dog cat bird tree house', 'old red the dog cat bird'];
    expect(repaired.map(({ ids }) => tokenizer.decode(ids))).toEqual(whole);
    expect(repaired.map(({ finished }) => finished)).toEqual(['done', 'done']);
    tagger.model.dispose();
    generator.model.dispose();
  });
});
