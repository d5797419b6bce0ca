/** A trace ends in the tokens of `encode`: every tokenizer at hand, the reference texts and random ones. */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadTokenizer, type Tokenizer } from '../../src/tokenizers/index.ts';
import { createRng } from '../../src/util/rng.ts';
import { foldersBelow } from './check.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const textsOf = (folder: string): string[] =>
  existsSync(`${folder}/expected.json`)
    ? (JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8')) as { text: string }[]).map(({ text }) => text)
    : [];

/** Characters of many kinds: letters that merge, spaces, marks, emoji, bytes of rare characters, control tokens. */
const ALPHABET = [
  ...Array.from('aehnrstuHBd  \n\t.,!19äßÉ́中東京🚤👩‍💻\u00a0\u200d\u3000\ufffd▁Ġ#'),
  ...['haus', 'boot', ' the', "'ll", '<s>', '</s>', '[MASK]', '<|endoftext|>', '##', 'über', '->', '\ud83d'],
];
function randomTexts(count: number): string[] {
  const rng = createRng(17);
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + rng.below(60) }, () => ALPHABET[rng.below(ALPHABET.length)]!).join(''),
  );
}

function checkTraces(tokenizer: Tokenizer, texts: readonly string[]): void {
  for (const text of texts)
    for (const options of [{}, { addSpecialTokens: false, parseSpecialTokens: false }]) {
      const trace = tokenizer.trace(text, options);
      const encoding = tokenizer.encode(text, options);
      // The matcher is slow, and needed only to say what differs.
      if (!isDeepStrictEqual(trace.encoding, encoding)) expect(trace.encoding, JSON.stringify(text)).toEqual(encoding);
      const wrong = trace.parts.filter(
        part =>
          trace.text.slice(part.start, part.end) !== part.text ||
          (part.kind === 'text' && part.alignment.length !== part.normalized.length),
      );
      expect(wrong, JSON.stringify(text)).toEqual([]);
    }
}

/** Long texts are for the speed of `encode`; a trace of each takes seconds. */
const isShort = (text: string) => text.length <= 2000;

function describeFolders(title: string, root: string): void {
  describe.skipIf(!existsSync(root))(title, () => {
    const folders = existsSync(root) ? foldersBelow(root) : [];
    it.each(folders.filter(folder => textsOf(folder).length > 0).map(folder => [basename(folder), folder]))(
      '%s',
      async (_, folder) => {
        const texts = textsOf(folder).filter(isShort);
        expect(texts.length).toBeGreaterThan(20);
        checkTraces(await loadTokenizer(folder), [...texts, ...randomTexts(60)]);
      },
    );
  });
}
describeFolders('traces: tokenizers of the repository', at('data'));
describeFolders('traces: own tokenizers (need ../shared/own-tokenizers)', at('../../../shared/own-tokenizers'));
describeFolders('traces: published tokenizers (need ../shared/tokenizers)', at('../../../shared/tokenizers'));
