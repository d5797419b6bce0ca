/** `heed tokenize`: shows where a tokenizer cuts a text, and puts tokens together again. */
import { type Encoding, loadTokenizer, type Tokenizer } from '../../tokenizers/index.ts';
import { defineCommand, UsageError } from '../command.ts';
import { padEnd, widthOf } from '../layout.ts';
import { OUTPUT_OPTIONS } from '../options.ts';
import { textArgument } from '../read-text.ts';
import type { Terminal } from '../terminal.ts';

export const tokenize = defineCommand({
  name: 'tokenize',
  summary: 'shows the tokens of a text, as a model reads it.',
  positionals: [
    { name: 'TOKENIZER', help: 'model folder, or a tokenizer.json, tokenizer.model or vocab.json' },
    { name: '[TEXT]', help: 'the text; - or nothing reads standard input' },
  ],
  options: {
    count: { kind: 'flag', help: 'print only the number of tokens' },
    ids: { kind: 'flag', help: 'print only the ids' },
    decode: { kind: 'ids', value: 'IDS', help: 'the other way: print the text of these ids' },
    'no-special': { kind: 'flag', help: 'without the tokens that the model puts around a text' },
    json: OUTPUT_OPTIONS.json,
  },
  examples: [
    { line: 'heed tokenize ./gpt2 "Hausboot, houseboat"', does: 'each token above its id' },
    { line: 'heed tokenize ./gpt2 --count < book.txt', does: 'how long is it?' },
    { line: 'heed tokenize ./gpt2 --decode 464,2068,7586', does: 'what do these ids say?' },
  ],
  async run({ values, positionals: [path, argument], terminal }) {
    if (values.decode && argument !== undefined) throw new UsageError('--decode takes ids, not a text', 'tokenize');
    if (values.decode) {
      const text = (await loadTokenizer(path!)).decode(values.decode);
      terminal.write(values.json ? `${JSON.stringify({ ids: values.decode, text })}\n` : `${text}\n`);
      return;
    }
    const text = await textArgument(argument, terminal, { command: 'tokenize', what: 'a text' });
    const tokenizer = await loadTokenizer(path!);
    const options = { addSpecialTokens: !values['no-special'] };
    if (values.count || values.ids) {
      const ids = tokenizer.encodeIds(text, options);
      const result = values.count ? ids.length : ids;
      terminal.write(values.json ? `${JSON.stringify(result)}\n` : `${values.count ? ids.length : ids.join(' ')}\n`);
      return;
    }
    const encoding = tokenizer.encode(text, options);
    const { ids, tokens, offsets, specialTokensMask } = encoding;
    if (values.json) terminal.write(`${JSON.stringify({ ids, tokens, offsets, specialTokensMask })}\n`);
    else terminal.write(`${pieces(encoding, text, tokenizer, terminal)}\n`);
  },
});

/** Tokens side by side with their ids below, in as many double lines as it takes. */
function pieces(encoding: Encoding, text: string, tokenizer: Tokenizer, { columns, paint }: Terminal): string {
  const cells = encoding.ids.map((id, i) => ({ piece: pieceOf(encoding, text, i), id: String(id) }));
  const lines: string[] = [];
  let above = '';
  let below = '';
  let used = 0;
  const flush = () => {
    if (used > 0) lines.push(above, paint.dim(below.trimEnd()), '');
    above = below = '';
    used = 0;
  };
  cells.forEach(({ piece, id }, i) => {
    const width = Math.max(widthOf(piece), id.length);
    if (used > 0 && used + width + 1 > columns) flush();
    const special = encoding.specialTokensMask[i] === 1 || tokenizer.allSpecialIds.has(encoding.ids[i]!);
    const colour = special ? paint.magenta : i % 2 === 0 ? paint.mark : paint.mark2;
    above += `${colour(piece)}${' '.repeat(width - widthOf(piece) + 1)}`;
    below += padEnd(id, width + 1);
    used += width + 1;
  });
  flush();
  const count = cells.length === 1 ? '1 token' : `${cells.length} tokens`;
  return [...lines.map(line => line.trimEnd()), `${count}, ${text.length} characters`].join('\n');
}

/** The part of the text that a token stands for, spaces as dots; a token that shares it with others is named instead. */
function pieceOf({ offsets, tokens }: Encoding, text: string, i: number): string {
  const [start, end] = offsets[i]!;
  const shared = [offsets[i - 1], offsets[i + 1]].some(other => other && other[0] < end && start < other[1]);
  const piece = start === end || shared ? tokens[i]! : text.slice(start, end);
  return piece
    .replaceAll(' ', '·')
    .replaceAll('\n', '↵')
    .replaceAll('\t', '→')
    .replace(/[\0-\x1f\x7f]/g, '�');
}
