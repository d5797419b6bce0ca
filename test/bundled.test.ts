/** The models that come with heed: they are there, small, described, and do what their cards say (a sample of it). */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isGrammatical, sentencesOf } from '../kleinwelt/scores/grammar.ts';
import { runCli } from '../src/cli/run-cli.ts';
import { BUNDLED, bundledAddress, bundledPath } from '../src/hub/bundled.ts';
import { load, pipeline } from '../src/index.ts';
import { loadTokenizer } from '../src/tokenizers/index.ts';
import { fakeTerminal } from './cli/fake-terminal.ts';

const MODELS = join(import.meta.dirname, '../models');
const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => statSync(join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
const CHASE = 'Der Hund jagt die Katze.';

describe('the bundled models', () => {
  it('are all there, below 15 MB, each with a card, its log and its scores', () => {
    for (const name of BUNDLED) {
      expect(bundledAddress(name)).toBe(join(MODELS, bundledPath(name)));
      for (const file of ['README.md', 'training/facts.json', 'training/scores.json'])
        expect(existsSync(join(MODELS, name, file)), `${name}/${file}`).toBe(true);
      expect(existsSync(join(MODELS, '../kleinwelt/runs', name, 'log.jsonl'))).toBe(true);
      expect(readFileSync(join(MODELS, name, 'README.md'), 'utf8')).toContain('95 % interval');
    }
    expect(bytesIn(MODELS)).toBeLessThan(15e6);
  });
  it('cut the sentence into five tokens, and the houseboat by the size of the vocabulary', async () => {
    const five = (await loadTokenizer(bundledAddress('kleinwelt-llama')!)).encodeIds('Der Hund jagt die Katze');
    expect(five.length).toBe(5);
    const pieces = await Promise.all(
      [400, 800, 1600, 3072].map(async size => {
        const tokenizer = await loadTokenizer(join(MODELS, 'kleinwelt-tokenizers', `bpe-${size}`));
        return tokenizer.encode('Das Hausboot').tokens.slice(1).length;
      }),
    );
    expect([...pieces].sort((a, b) => b - a)).toEqual(pieces);
    expect(pieces[0]).toBeGreaterThan(pieces.at(-1)!);
  });
  it('write on a canvas that is all masks, from its first token on', async () => {
    const write = await pipeline('denoise', 'kleinwelt-diffusion');
    const { eos } = write.model.tokenizer.specialTokens;
    expect(write.model.tokenizer.encodeIds('')).toEqual([eos]);
    for (const { generatedText } of await write(['', ''], { genLength: 24, temperature: 0.5, seed: 7 }))
      expect(isGrammatical(generatedText), generatedText).toBe(true);
    write.dispose();
  });
  it('say so where they write nothing', async () => {
    const told = 'Anna hat einen roten Ball. Sie folgt Jakob. Anna bringt den roten Ball zurück.';
    for (const [more, err] of [
      [[], 'the model ends the text here\n'],
      [['--quiet'], ''],
    ] as const) {
      const terminal = fakeTerminal({ interactiveErrors: true });
      const call = ['run', 'kleinwelt-llama', told, '--greedy', '--lang', 'en', ...more];
      expect(await runCli(call, terminal, new AbortController().signal)).toBe(0);
      expect([terminal.out().trim(), terminal.err()]).toEqual(['', err]);
    }
  });
  it('write sentences that the parser accepts', async () => {
    const model = await load('kleinwelt-llama');
    const prompts = Array.from({ length: 20 }, () => '');
    const write = await pipeline('text-generation', model);
    const texts: string[] = [];
    for (const [i] of prompts.entries())
      for await (const event of model.generate('', { maxNewTokens: 120, temperature: 0.7, seed: i }))
        if (event.type === 'done') texts.push(event.sequences[0]!.text);
    const sentences = texts.flatMap(sentencesOf);
    expect(sentences.length).toBeGreaterThan(20);
    expect(sentences.filter(isGrammatical).length / sentences.length).toBeGreaterThan(0.9);
    write.dispose();
    model.dispose();
  });
  it('fill, translate, judge, find names and answers', async () => {
    const fill = await pipeline('fill-mask', 'kleinwelt-bert');
    const [article] = await fill('Der Hund jagt [MASK] Katze, weil er hungrig ist.');
    expect(['die', 'eine', 'keine', 'seine']).toContain(article!.tokenStr);
    fill.dispose();
    const translate = await pipeline('translation', 'kleinwelt-marian');
    const [english] = await translate(CHASE, { srcLang: 'de', tgtLang: 'en' });
    expect(english!.translationText).toBe('The dog chases the cat.');
    translate.dispose();
    const judge = await pipeline('text-classification', 'kleinwelt-bert-sentiment');
    const labels = await judge(['Die Suppe ist gut.', 'Die Suppe ist nicht gut.']);
    expect(labels.map(([best]) => best!.label)).toEqual(['positive', 'negative']);
    judge.dispose();
    const find = await pipeline('token-classification', 'kleinwelt-bert-entities');
    const names = await find('Anna Berger wohnt in Seedorf.', { aggregationStrategy: 'first' });
    expect(names.map(({ entityGroup, word }) => [entityGroup, word])).toEqual([
      ['PER', 'Anna Berger'],
      ['LOC', 'Seedorf'],
    ]);
    find.dispose();
    const answer = await pipeline('question-answering', 'kleinwelt-bert-answers');
    const found = await answer({ question: 'Wen jagt der Hund?', context: CHASE });
    expect(found.answer).toBe('die Katze');
    answer.dispose();
  });
});
