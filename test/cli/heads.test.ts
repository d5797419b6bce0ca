/** `heed heads` from the command line, on tiny models with random weights. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { SMALL_TOKENIZER } from '../explain/small-tokenizer.ts';
import { tinyFiles } from '../families/tiny-model.ts';
import { fakeTerminal } from './fake-terminal.ts';

const GPT2 = fileURLToPath(new URL('../golden/data/gpt2', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'heed-heads-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

async function heads(argv: readonly string[], terminal: Partial<Terminal> = {}) {
  const fake = fakeTerminal(terminal);
  const code = await runCli(['heads', ...argv, '--device', 'reference'], fake, new AbortController().signal);
  return { code, out: fake.out(), err: fake.err() };
}

beforeAll(async () => {
  const backend = createReferenceBackend();
  for (const type of ['bert', 'bart']) {
    mkdirSync(at(type));
    for (const [name, bytes] of Object.entries(await tinyFiles(type, backend)))
      writeFileSync(at(`${type}/${name}`), bytes);
    writeFileSync(at(`${type}/tokenizer.json`), JSON.stringify(SMALL_TOKENIZER));
  }
  backend.close();
  const word = (id: number, form: string, head: number, deprel: string) =>
    [id, form, form, 'X', '_', '_', head, deprel, '_', '_'].join('\t');
  const sentence = (subject: string, object: string) =>
    [
      word(1, subject, 2, 'nsubj'),
      word(2, 'jagt', 0, 'root'),
      word(3, object, 2, 'obj'),
      word(4, '.', 2, 'punct'),
    ].join('\n');
  const pairs = ['Hund Katze', 'Katze Hund', 'Anna Nacht', 'Sie es'].map(pair => pair.split(' ') as [string, string]);
  const sentences = Array.from({ length: 24 }, (_, i) => sentence(...pairs[i % 4]!));
  writeFileSync(at('a.conllu'), `${sentences.join('\n\n')}\n`);
  writeFileSync(at('a.txt'), 'Anna geht zum Haus .\nder Hund jagt die Katze .\n');
  writeFileSync(at('a.tsv'), 'der Hund jagt die Katze\tSie sieht es\n');
  writeFileSync(at('empty.txt'), '\n');
});

describe('heed heads', () => {
  it('shows layers by heads, and what a model without a tokenizer does with random tokens', async () => {
    const { code, out } = await heads([GPT2]);
    expect(code).toBe(0);
    expect(out).toMatch(/^What the heads look at\n.*texts: 8, tokens: 400\n\nlayer +0 +1 +2 +3\n0 /);
    expect(out).toMatch(/no head finds a repeated token again; the closest is \d\.\d with [\d.]+ %/);
  });

  it('says of each relation which head is best, how good it is and how good an offset is', async () => {
    const { code, out } = await heads([at('bert'), '--data', at('a.conllu'), '--relation', 'nsubj,obj']);
    expect(code).toBe(0);
    expect(out).toContain('texts: 24, tokens: 144');
    const offset = 'best fixed offset \\([+-]\\d\\) 100.0 %  \\(pairs: 12, no better than the offset\\)';
    for (const what of ['subject of the verb', 'verb of the subject', 'object of the verb', 'verb of the object'])
      expect(out).toMatch(new RegExp(`head \\d\\.\\d finds the ${what}: [\\d.]+ % \\[[\\d.]+, [\\d.]+\\], ${offset}`));
    // Subject and verb are always neighbours here.
    expect(out).toContain('No head beats the fixed offset in any of these relations.');
  });

  it('speaks German', async () => {
    const { out } = await heads([at('bert'), '--data', at('a.conllu'), '--relation', 'nsubj', '--lang', 'de']);
    expect(out).toMatch(/Kopf \d\.\d findet das Subjekt des Verbs: [\d,]+ % \[[\d,]+; [\d,]+\], bester fester Abstand/);
  });

  it('takes heads out, looks through the lens and rolls out', async () => {
    const text = ['--text', 'der Hund [MASK] die Katze'];
    const more = ['--ablate', '0.1', '--kind', 'zero', '--lens', '--rollout', '--top', '2'];
    const { code, out } = await heads([at('bert'), '--data', at('a.txt'), ...text, ...more]);
    expect(code).toBe(0);
    expect(out).toMatch(/Without 0\.1 {2}weights 0; answers: \d+, items: 8/);
    expect(out).toMatch(/accuracy +[\d.]+ % \[.*\] → [\d.]+ %/);
    expect(out).toMatch(/other heads instead +0\.[02]: -?[\d.]+, 0\.[02]: /);
    expect(out).toMatch(/Logit lens at .*MASK.* \(3\)\n/);
    expect(out).toMatch(/\n +1 +rank 1 /);
    expect(out).toContain('Attention rollout');
  });

  it('gives all numbers to programs', async () => {
    const data = ['--data', at('a.conllu'), '--relation', 'nsubj', '--ablate', '1.0', '--rollout', '--json'];
    const { code, out } = await heads([at('bert'), ...data, '--norms']);
    expect(code).toBe(0);
    const report = JSON.parse(out);
    expect(report.rows).toBe(24);
    expect(report.roles).toHaveLength(6);
    expect(report.roles[0].roles.previous.share).toBeGreaterThan(0);
    expect(report.relations.map(({ direction }: { direction: string }) => direction)).toEqual([
      'toHead',
      'toDependent',
    ]);
    expect(report.relations[0].all).toHaveLength(6);
    expect(report.ablation.effect.labels).toEqual(['1.0']);
    expect(report.rollout[0].flow).toHaveLength(36);
    expect(report.induction).toEqual([]);
  });

  it('watches an encoder-decoder, which may read another text than it writes', async () => {
    const { code, out } = await heads([at('bart'), '--data', at('a.tsv'), '--ablate', 'cross.1.3']);
    expect(code).toBe(0);
    expect(out).toMatch(/encoder\.0 .*\nencoder\.1 /);
    expect(out).toMatch(/cross\.0 .*\ncross\.1 /);
    expect(out).toMatch(/Without cross\.1\.3 {2}its mean instead; answers: 4, items: 1/);
  });

  it('writes a page that stands by itself', async () => {
    const page = at('page.html');
    const { code, err } = await heads([at('bart'), '--text', 'Hund </script><b>', '--out', page], {
      interactiveErrors: true,
    });
    expect(code).toBe(0);
    expect(err).toContain(page);
    expect(err).toContain('measuring 8 / 8');
    const html = readFileSync(page, 'utf8');
    expect(html.match(/<canvas /g)).toHaveLength(2 * 3 + 2 * 4 + 2 * 4);
    // No text can leave its place, and nothing is fetched.
    expect(html.match(/<\/script>/g)).toHaveLength(1);
    expect(html).not.toMatch(/<b>"|src=|href=|https?:/);
  });

  it.each([
    [['--relation', 'nsubj'], 2, '--relation needs a corpus that knows them'],
    [['--data', 'a.txt', '--relation', 'nsubj'], 2, '--relation needs a corpus in CoNLL-U'],
    [['--ablate', '2.0'], 2, '--ablate 2.0: no such head; layer and head are written like 0.0'],
    [['--ablate', '1.7'], 1, 'head 7 of blocks.1.attn'],
    [['--ablate', 'first'], 2, '--ablate first: no such head'],
    [['--data', 'nowhere.txt'], 1, 'the corpus cannot be read'],
    [['--data', 'empty.txt'], 1, 'a corpus without a text'],
    [['--lens'], 1, 'write [MASK] into it: --text'],
  ])('says what is wrong: %j', async (argv, expected, message) => {
    const paths = argv.map((text, i) => (argv[i - 1] === '--data' ? at(text) : text));
    const { code, err } = await heads([at('bert'), ...paths]);
    expect(err).toContain(message);
    expect(code).toBe(expected);
  });
});
