/** How one word is cut as a vocabulary grows: letters, then Haus + boot, then a single token. All of it is in one trace. */
import { loadTokenizer } from 'heed';

const folder = 'test/tokenizers/data';
const tokenizer = await loadTokenizer(`${folder}/roberta-style`);
const { parts } = tokenizer.trace(' Hausboot', { addSpecialTokens: false });
const [stretch] = parts;
const piece = stretch?.kind === 'text' ? stretch.parts[0] : undefined;
const model = piece?.kind === 'piece' ? piece.model : undefined;
if (model?.kind !== 'BPE') throw new Error('this example reads the merges of a BPE tokenizer');

// The merge of rank r is there as soon as a vocabulary has 256 bytes and r + 1 merges.
const { symbols, merges } = model.stretches[0]!;
for (const size of [256, 300, 320, 400, 500, 600]) {
  const learned = merges.findIndex(({ rank }) => rank >= size - 256);
  const last = learned < 0 ? merges.at(-1) : merges[learned - 1];
  const row = last?.symbols ?? symbols.map(({ text }) => text);
  console.log(`${size} tokens:`.padStart(12), row.join(' | ').replaceAll('Ġ', '␣'));
}

// Other vocabularies cut other words where this one does not.
for (const name of ['roberta-style', 'bert-german-cased-style', 'llama2-style', 'gpt1-style']) {
  const { tokens } = (await loadTokenizer(`${folder}/${name}`)).encode('Hausbootfahrt', { addSpecialTokens: false });
  console.log(name.padEnd(24), tokens.join(' | '));
}
