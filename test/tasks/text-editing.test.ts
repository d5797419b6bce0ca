/** Edits by a tagger and a generator of random weights: the calls, not what they say. */
import { afterAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import { pipeline } from '../../src/tasks/pipeline.ts';
import { tinyCheckpoint, tinyFiles } from './tiny-checkpoints.ts';
import { unigram } from './tiny-tokenizers.ts';

const backend = createReferenceBackend();
const SPECIALS = { '<pad>': 0, '</s>': 1, '<unk>': 2, '<extra_id_0>': 3, '<extra_id_1>': 4 };
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const tokenizer = json(unigram(SPECIALS, 120, ['A', '</s>'], ['A', '</s>', 'B', '</s>']));

/** A folder with a tagger, and the generator in a folder of its own. */
function files() {
  const { 'tokenizer.json': _, 'tokenizer_config.json': __, ...tagger } = tinyFiles('ner-tags');
  return memoryFiles(
    {
      ...tagger,
      'tokenizer.json': tokenizer,
      ...Object.fromEntries(Object.entries(tinyFiles('t5')).map(([file, bytes]) => [`generator/${file}`, bytes])),
    },
    'edits',
  );
}

describe('text-editing', () => {
  const opened: { dispose(): void }[] = [];
  afterAll(() => {
    for (const pipe of opened) pipe.dispose();
  });
  it('revises a text, step by step, in a batch as alone', async () => {
    const edit = await pipeline('text-editing', files(), { backend });
    opened.push(edit);
    const options = { steps: 2, numBeams: 2, revisionBeams: 1, maxNewTokens: 6 };
    const texts = ['der hund jagt', 'wo', ''];
    const together = await edit(texts, { ...options, batchSize: 2 });
    for (const [i, text] of texts.entries()) {
      const alone = await edit(text, options);
      expect(together[i]!.generatedText).toBe(alone.generatedText);
      expect(together[i]!.score).toBeCloseTo(alone.score, 4);
    }
    const drawn = { ...options, topP: 0.9 };
    const rows = await edit(['', '', '', ''], { ...drawn, seed: 4, batchSize: 2 });
    for (const [i, { generatedText }] of rows.entries())
      expect((await edit('', { ...drawn, seed: 4 + i })).generatedText).toBe(generatedText);
    const events = [];
    for await (const event of edit.stream('der hund jagt', options)) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: 'done', text: together[0]!.generatedText });
    expect(events.length).toBeGreaterThan(1);
  });
  it('wants a generator', async () => {
    const tagger = await load(tinyCheckpoint('ner'), { backend });
    opened.push(tagger);
    await expect(pipeline('text-editing', tagger)).rejects.toThrow(/no config.json/);
    await expect(pipeline('text-editing', tagger, { generator: tagger })).rejects.toThrow(/expected: seq2seqLM/);
    const edit = await pipeline('text-editing', tagger, { backend, generator: tinyCheckpoint('t5') });
    opened.push(edit);
    await expect(edit('der')).rejects.toThrow(/not one for edits.*<extra_id_0>/);
  });
});
