/** `heed tokenize`: shows where a tokenizer cuts a text, and puts tokens together again. */
import { TokenizerError } from '../../errors.ts';
import { type Encoding, loadTokenizer, type Tokenizer } from '../../tokenizers/index.ts';
import { defineCommand, UsageError } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { padEnd, widthOf } from '../layout.ts';
import { createMessages, languageOf, type Say } from '../messages.ts';
import { createNumbers, type Numbers } from '../numbers.ts';
import { FROM_INPUT, OUTPUT_OPTIONS } from '../options.ts';
import { textOrIds } from '../read-text.ts';
import type { Terminal } from '../terminal.ts';

export const tokenize = defineCommand({
  name: 'tokenize',
  summary: 'shows the tokens of a text, as a model reads it.',
  positionals: [
    { name: 'TOKENIZER', help: 'model folder, or a tokenizer.json, tokenizer.model or vocab.json' },
    { name: '[TEXT]', help: `the text; ${FROM_INPUT}` },
  ],
  options: {
    count: { kind: 'flag', help: 'print only the number of tokens' },
    ids: { kind: 'flag', help: 'print only the ids' },
    decode: { kind: 'ids', value: 'IDS', help: 'the other way: print the text of these ids' },
    'no-special': { kind: 'flag', help: 'without the tokens that the model puts around a text' },
    ...OUTPUT_OPTIONS,
  },
  examples: [
    { line: 'heed tokenize ./gpt2 "Hausboot, houseboat"', does: 'each token above its id' },
    { line: 'heed tokenize ./gpt2 --count < book.txt', does: 'how long is it?' },
    { line: 'heed tokenize ./gpt2 --decode 464,2068,7586', does: 'what do these ids say?' },
  ],
  async run({ values, positionals: [path, argument], terminal, signal }) {
    const modes = (['count', 'ids', 'decode'] as const).filter(name => values[name]).map(name => `--${name}`);
    if (modes.length > 1) throw new UsageError(`${modes.join(' and ')} contradict each other`, 'tokenize');
    if (values.decode && values['no-special'])
      throw new UsageError('--no-special is for a text, --decode takes ids', 'tokenize');
    const call = { command: 'tokenize', what: 'a text', option: 'decode', terminal, signal };
    const text = await textOrIds(argument, values.decode, call);
    const tokenizer = await loadTokenizer(path!);
    if (typeof text !== 'string') {
      const decoded = decode(text, tokenizer);
      terminal.write(values.json ? `${jsonText({ ids: text, text: decoded })}\n` : `${decoded}\n`);
      return;
    }
    const options = { addSpecialTokens: !values['no-special'] };
    if (values.count || values.ids) {
      const ids = tokenizer.encodeIds(text, options);
      const result = values.count ? ids.length : ids;
      terminal.write(values.json ? `${jsonText(result)}\n` : `${values.count ? ids.length : ids.join(' ')}\n`);
      return;
    }
    const encoding = tokenizer.encode(text, options);
    const { ids, tokens, offsets, specialTokensMask } = encoding;
    if (values.json) terminal.write(`${jsonText({ ids, tokens, offsets, specialTokensMask })}\n`);
    else {
      const language = values.lang ?? languageOf(terminal.env);
      const length = lengths(encoding, text, createMessages(language), createNumbers(language));
      terminal.write(`${[...pieces(encoding, text, tokenizer, terminal), length].join('\n')}\n`);
    }
  },
});

/** The text of ids. @throws TokenizerError for an id that stands for no token, which a decoder passes over */
function decode(ids: readonly number[], tokenizer: Tokenizer): string {
  const stranger = ids.find(id => tokenizer.idToToken(id) === undefined);
  if (stranger !== undefined)
    throw new TokenizerError('not a token id of this tokenizer', {
      seen: String(stranger),
      expected: `an id of its vocabulary of ${tokenizer.vocabSize} tokens`,
    });
  return tokenizer.decode(ids);
}

/** `3 tokens, 1,042 characters` */
function lengths({ ids }: Encoding, text: string, say: Say, numbers: Numbers): string {
  const tokens = `${numbers.count(ids.length)} ${say(ids.length === 1 ? 'token' : 'tokens')}`;
  return `${tokens}, ${numbers.count(text.length)} ${say(text.length === 1 ? 'character' : 'characters')}`;
}

/** Tokens side by side with their ids below, in as many double lines as it takes. */
function pieces(encoding: Encoding, text: string, tokenizer: Tokenizer, { columns, paint }: Terminal): string[] {
  const lines: string[] = [];
  let above = '';
  let below = '';
  const flush = () => {
    if (below !== '') lines.push(above, paint.dim(below), '');
    above = below = '';
  };
  cellsOf(encoding, text, tokenizer).forEach(({ piece, ids, special }, i) => {
    const width = Math.max(widthOf(piece), ids.length);
    if (widthOf(below) + width > columns) flush();
    const colour = special ? paint.magenta : i % 2 === 0 ? paint.mark : paint.mark2;
    above += `${colour(piece)}${' '.repeat(width - widthOf(piece) + 1)}`;
    below += padEnd(ids, width + 1);
  });
  flush();
  return lines.map(line => line.trimEnd());
}

interface Cell {
  piece: string;
  ids: string;
  readonly special: boolean;
  /** End of the piece in the text. */
  end: number;
}

/** The parts of the text that tokens stand for. Tokens that share a character stand together below it. */
function cellsOf({ ids, tokens, offsets }: Encoding, text: string, tokenizer: Tokenizer): Cell[] {
  const cells: Cell[] = [];
  ids.forEach((id, i) => {
    const [start, end] = offsets[i]!;
    const last = cells.at(-1);
    if (last && start < end && start < last.end) {
      last.piece += visible(text.slice(last.end, end));
      last.ids += `+${id}`;
      last.end = Math.max(last.end, end);
    } else {
      const piece = start === end ? tokens[i]! : text.slice(start, end);
      cells.push({ piece: visible(piece), ids: String(id), special: tokenizer.allSpecialIds.has(id), end });
    }
  });
  return cells;
}

/** Spaces as dots, and nothing that moves the cursor. */
const visible = (text: string) =>
  text
    .replaceAll(' ', '·')
    .replaceAll('\n', '↵')
    .replaceAll('\t', '→')
    .replace(/[\0-\x1f\x7f-\x9f]/g, '\ufffd');
