/** Text to ids and back, with offsets into the text. */
import { loadTokenizer } from 'heed';

const tokenizer = await loadTokenizer('test/tokenizers/data/llama3-style');
const text = 'Das Hausboot schläft. 🚤';
const { ids, tokens, offsets } = tokenizer.encode(text);
ids.forEach((id, i) => {
  const [from, to] = offsets[i]!;
  console.log(`${id}`.padStart(5), tokens[i]!.padEnd(10), JSON.stringify(text.slice(from, to)));
});
console.log(tokenizer.decode(ids, { skipSpecialTokens: true }) === text);
