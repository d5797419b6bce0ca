/** `heed tokenize`: shows where a tokenizer cuts a text and why, compares tokenizers, counts, and puts tokens together again. */
import { TokenizerError } from '../../errors.ts';
import { ENCODING_NAMES, type EncodeOptions, loadEncoding, type Tokenizer } from '../../tokenizers/index.ts';
import { defineCommand, UsageError, type Values } from '../command.ts';
import { type Compared, comparisonView, perToken } from '../comparison-view.ts';
import { jsonText } from '../json-text.ts';
import type { Say } from '../messages.ts';
import type { Numbers } from '../numbers.ts';
import { tokenizerAt } from '../open-tokenizer.ts';
import { FROM_INPUT, OUTPUT_OPTIONS } from '../options.ts';
import { textOrIds } from '../read-text.ts';
import type { Terminal } from '../terminal.ts';
import { tokenRows } from '../token-rows.ts';
import { tokenizationView } from '../tokenization-view.ts';
import { wordingFor } from '../wording.ts';

const OPTIONS = {
  trace: { kind: 'flag', help: 'show how the tokens come about: merges, matches, or the lattice, stage by stage' },
  compare: {
    kind: 'list',
    many: true,
    value: 'A B ...',
    help: 'the same text by several tokenizers side by side; folders, files, or encodings such as o200k_base',
  },
  count: { kind: 'flag', help: 'print only the number of tokens' },
  ids: { kind: 'flag', help: 'print only the ids' },
  decode: { kind: 'ids', value: 'IDS', help: 'the other way: print the text of these ids' },
  encoding: {
    kind: 'text',
    value: 'NAME',
    help: 'in place of TOKENIZER: the encoding of a closed model, o200k_base or gpt-4o, from the package gpt-tokenizer or --ranks',
  },
  ranks: { kind: 'text', value: 'FILE', help: 'the .tiktoken file of --encoding' },
  'no-special': { kind: 'flag', help: 'without the tokens that the model puts around a text' },
  ...OUTPUT_OPTIONS,
} as const;
type TokenizeValues = Values<typeof OPTIONS>;

export const tokenize = defineCommand({
  name: 'tokenize',
  summary: 'shows the tokens of a text, as a model reads it.',
  positionals: [
    {
      name: '[TOKENIZER]',
      help: 'model folder, model on the hub (org/name), or a tokenizer.json, tokenizer.model, vocab.json, .tiktoken or .gguf; not with --compare or --encoding',
    },
    { name: '[TEXT]', help: `the text; ${FROM_INPUT}` },
  ],
  options: OPTIONS,
  examples: [
    { line: 'heed tokenize kleinwelt-llama "Hausboot, houseboat"', does: 'each token above its id' },
    {
      line: 'heed tokenize kleinwelt-llama "Hausboot" --trace',
      does: 'letters, then merges: what a larger vocabulary joins',
    },
    {
      line: 'heed tokenize "Hausboot" --compare kleinwelt-llama kleinwelt-bert',
      does: 'letters, Haus + boot, or one token: the vocabulary decides',
    },
    { line: 'heed tokenize kleinwelt-llama --count < examples/data/story.txt', does: 'how long is it?' },
    {
      line: 'heed tokenize --encoding gpt-4o --count < examples/data/story.txt',
      does: 'how long is it for a closed model?',
    },
    { line: 'heed tokenize kleinwelt-llama --decode 64,28,75', does: 'what do these ids say?' },
  ],
  async run({ values, positionals, terminal, signal }) {
    const { names, argument } = checkUsage(values, positionals);
    const call = { name: 'tokenize', what: 'a text', option: 'decode', terminal, signal };
    const text = await textOrIds(argument, values.decode, call);
    const { say, numbers } = wordingFor(values, terminal);
    const print = (result: unknown, shown: () => string) =>
      terminal.write(`${values.json ? jsonText(result) : shown()}\n`);
    if (names.length > 0 && typeof text === 'string') {
      const compared = await Promise.all(names.map(name => compare(name, text, terminal, signal)));
      print(comparisonJson(compared, text, values.count), () =>
        comparisonView(compared, text, terminal, say, numbers, values.count),
      );
      return;
    }
    const tokenizer = await openTokenizer(values, positionals[0], terminal, signal);
    if (typeof text !== 'string') {
      const decoded = decode(text, tokenizer);
      print({ ids: text, text: decoded }, () => decoded);
      return;
    }
    // What stands in a text for a closed model is text, whatever it looks like.
    const options = { addSpecialTokens: !values['no-special'], parseSpecialTokens: values.encoding === undefined };
    if (values.count || values.ids) {
      const ids = tokenizer.encodeIds(text, options);
      print(values.count ? ids.length : ids, () => (values.count ? String(ids.length) : ids.join(' ')));
    } else if (values.trace) {
      const trace = tokenizer.trace(text, options);
      print(trace, () => tokenizationView(trace, tokenizer, terminal, say, numbers));
    } else {
      const encoding = tokenizer.encode(text, options);
      const { ids, tokens, offsets, specialTokensMask } = encoding;
      print({ ids, tokens, offsets, specialTokensMask }, () =>
        [
          ...tokenRows(encoding, text, tokenizer, terminal.columns, terminal.paint),
          lengths(ids.length, text, say, numbers),
        ].join('\n'),
      );
    }
  },
});

/** The tokenizers to compare, and the argument that is the text. @throws UsageError for what cannot be together */
function checkUsage(
  values: TokenizeValues,
  positionals: readonly string[],
): { names: readonly string[]; argument: string | undefined } {
  const fail = (message: string) => new UsageError(message, 'tokenize');
  const contradict = (...options: readonly ('trace' | 'compare' | 'count' | 'ids' | 'decode' | 'encoding')[]) => {
    const given = options.filter(name => (name === 'compare' ? values.compare.length > 0 : values[name]));
    if (given.length > 1) throw fail(`${given.map(name => `--${name}`).join(' and ')} contradict each other`);
  };
  contradict('trace', 'count', 'ids', 'decode');
  for (const other of ['trace', 'ids', 'decode', 'encoding'] as const) contradict('compare', other);
  if (values.decode && values['no-special']) throw fail('--no-special is for a text, --decode takes ids');
  if (values.ranks !== undefined && values.encoding === undefined)
    throw fail('--ranks is the file of --encoding; give a .tiktoken file alone as TOKENIZER');
  const option = values.compare.length > 0 ? '--compare' : values.encoding !== undefined ? '--encoding' : undefined;
  if (option && positionals.length > 1)
    throw fail(`${option} names the tokenizer, so the only argument is the text: leave ${positionals[0]} out`);
  if (!option && positionals.length === 0) throw fail('TOKENIZER is missing: a model folder or a tokenizer file');
  return { names: values.compare, argument: positionals[option ? 0 : 1] };
}

function openTokenizer(
  { encoding, ranks }: TokenizeValues,
  path: string | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Tokenizer> {
  if (encoding === undefined) return tokenizerAt(path!, terminal, signal);
  const name = ENCODING_NAMES.includes(encoding) ? { encoding } : { model: encoding };
  return loadEncoding({ ...name, ...(ranks !== undefined && { ranks }) });
}

/** The tokens of the text alone: what models put around it says nothing about their vocabularies. */
async function compare(name: string, text: string, terminal: Terminal, signal: AbortSignal): Promise<Compared> {
  const known = ENCODING_NAMES.includes(name);
  const tokenizer = await (known ? loadEncoding({ encoding: name }) : tokenizerAt(name, terminal, signal));
  const options: EncodeOptions = { addSpecialTokens: false, parseSpecialTokens: !known };
  return { name, tokenizer, encoding: tokenizer.encode(text, options) };
}

function comparisonJson(compared: readonly Compared[], text: string, onlyCounts: boolean): unknown {
  return compared.map(({ name, tokenizer, encoding: { ids, tokens, offsets } }) => {
    const { characters, bytes } = perToken(text, ids.length);
    return {
      tokenizer: name,
      kind: tokenizer.model.type,
      vocabulary: tokenizer.vocabSize,
      count: ids.length,
      charactersPerToken: characters,
      bytesPerToken: bytes,
      ...(!onlyCounts && { ids, tokens, offsets }),
    };
  });
}

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
function lengths(tokens: number, text: string, say: Say, numbers: Numbers): string {
  const characters = [...text].length;
  const count = (n: number, one: 'token' | 'character', more: 'tokens' | 'characters') =>
    `${numbers.count(n)} ${say(n === 1 ? one : more)}`;
  return `${count(tokens, 'token', 'tokens')}, ${count(characters, 'character', 'characters')}`;
}
