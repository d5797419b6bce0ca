import { describe, expect, it } from 'vitest';
import { tableDecoder } from '../../test/generate/table-decoder.ts';
import { ConfigError } from '../errors.ts';
import { parseDecoder } from '../tokenizers/decoders.ts';
import { StreamDecoder } from '../tokenizers/stream-decoder.ts';
import type { GenerateOptions } from './options.ts';
import { generateText, generateTextAll, type TextCodec, type TextEvent } from './text.ts';

/** Token i is one byte of UTF-8; 256 is the end token. */
const END = 256;
const bytes: TextCodec = {
  encodeIds: text => [...new TextEncoder().encode(text)],
  stream() {
    const decoder = new TextDecoder();
    return {
      push: id => decoder.decode(Uint8Array.of(id), { stream: true }),
      flush: () => decoder.decode(),
    };
  },
};

/** A decoder that says `scripts[prompt]` and then the end token, with other tokens far behind. */
function scripted(...scripts: string[]) {
  const ids = scripts.map(script => [...bytes.encodeIds(script), END]);
  return tableDecoder({
    vocabSize: 257,
    logits: (context, prompt) => {
      const row = new Float32Array(257).fill(-20);
      row[ids[prompt]![context.length - 1] ?? END] = 0;
      return row;
    },
  });
}

async function collect(events: AsyncIterable<TextEvent>) {
  const all: TextEvent[] = [];
  for await (const event of events) all.push(event);
  const done = all.at(-1)!;
  if (done.type !== 'done') throw new Error('no last event');
  return { all, done, pieces: all.map(event => event.text) };
}

const options: GenerateOptions = { eosTokenId: END, maxNewTokens: 100 };

describe('generateText', () => {
  it('streams whole characters; the pieces are the text; the end token has none', async () => {
    const decoder = scripted('Grüße 🐈!');
    const { pieces, done, all } = await collect(generateText(decoder, bytes, '>', options));
    expect(pieces.filter(Boolean)).toEqual(['G', 'r', 'ü', 'ß', 'e', ' ', '🐈', '!']);
    expect(done.sequences).toMatchObject([{ text: 'Grüße 🐈!', finishReason: 'stop' }]);
    expect(done.sequences[0]!.ids.at(-1)).toBe(END);
    expect(all.at(-2)).toMatchObject({ type: 'token', id: END, text: '', finished: 'stop' });
    expect(decoder.openSessions).toBe(0);
  });

  it('ends before a stop string and prints nothing of it', async () => {
    const { pieces, done } = await collect(
      generateText(scripted('Ja.\nNein\n\nMensch: gut'), bytes, '>', {
        ...options,
        stopStrings: ['\n\nMensch:', 'zzz'],
      }),
    );
    expect(pieces.join('')).toBe('Ja.\nNein');
    expect(done.sequences).toMatchObject([{ text: 'Ja.\nNein', stopString: '\n\nMensch:', finishReason: 'stop' }]);
  });

  it('hands out what was held back when the sequence ends otherwise', async () => {
    const stopStrings = ['abcd'];
    const ended = await collect(generateText(scripted('xab'), bytes, '>', { ...options, stopStrings }));
    expect(ended.pieces).toEqual(['x', '', '', 'ab', '']);
    expect(ended.done.sequences[0]).toMatchObject({ text: 'xab', finishReason: 'stop' });
    expect(ended.done.sequences[0]!.stopString).toBeUndefined();
    const cut = await collect(
      generateText(scripted('xabcd'), bytes, '>', { eosTokenId: END, maxNewTokens: 3, stopStrings }),
    );
    expect(cut.done.sequences[0]).toMatchObject({ text: 'xab', finishReason: 'length' });
    // Cut inside a character: what is there is not hidden.
    const half = await collect(generateText(scripted('ü'), bytes, '>', { maxNewTokens: 1 }));
    expect(half.done.sequences[0]!.text).toBe('\ufffd');
  });

  it('serves several prompts, ids among them, each with its own stream', async () => {
    const decoder = scripted('one STOP x', 'zwei', 'ü');
    const { all, done } = await collect(
      generateText(decoder, bytes, ['>', [62], '>'], { ...options, stopStrings: [' STOP'], logprobs: true }),
    );
    expect(done.sequences.map(({ text }) => text)).toEqual(['one', 'zwei', 'ü']);
    const joined = ['', '', ''];
    for (const event of all) if (event.type === 'token') joined[event.sequence] += event.text;
    expect(joined).toEqual(['one', 'zwei', 'ü']);
    expect(all[0]).toMatchObject({ type: 'token', logprob: expect.any(Number) });
  });

  it('decodes after the prompt, not as if a text began there', async () => {
    const seen: (readonly number[])[] = [];
    const codec: typeof bytes = {
      ...bytes,
      stream(prompt) {
        seen.push(prompt);
        return bytes.stream(prompt);
      },
    };
    for (const numBeams of [1, 2]) {
      await generateTextAll(scripted('one', 'two'), codec, ['>', [62, 62]], { ...options, numBeams });
      expect(seen.splice(0)).toEqual([[62], [62, 62]]);
    }
  });

  it('asks the stopWhen of the caller too', async () => {
    const stopWhen = (ids: readonly number[]) => ids.length === 2;
    const done = await generateTextAll(scripted('abcdef'), bytes, '>', { ...options, stopWhen, stopStrings: ['zz'] });
    expect(done.sequences).toMatchObject([{ text: 'ab', finishReason: 'stop' }]);
  });

  it('gives the texts of beams at the end, stop strings included', async () => {
    const decoder = scripted('Hund und Katze', 'ü');
    const call = { ...options, numBeams: 2, stopStrings: [' Ka'] };
    const { all, done } = await collect(generateText(decoder, bytes, ['>', '>'], call));
    expect(done.sequences[0]).toMatchObject({ text: 'Hund und', stopString: ' Ka', finishReason: 'stop' });
    expect(done.sequences[1]).toMatchObject({ text: 'ü' });
    expect(all.filter(event => event.type === 'sequence')).toEqual([
      { type: 'sequence', sequence: 0, text: 'Hund und' },
      { type: 'sequence', sequence: 1, text: 'ü' },
    ]);
    expect(all[0]).toMatchObject({ type: 'beams', text: '', newTokens: 1 });
    const plain = await generateTextAll(scripted('Hund'), bytes, '>', { ...options, numBeams: 3 });
    expect(plain.sequences[0]!.text).toBe('Hund');
  });

  it('looks for stop strings in the text that it gives, with the space that the prompt leaves to its first token', async () => {
    const tokens = ['▁a', '▁stop', '!'];
    const metaspace: TextCodec = {
      encodeIds: () => [0],
      stream(prompt) {
        const stream = new StreamDecoder(parseDecoder({ type: 'Metaspace' }), id => tokens[id]);
        for (const id of prompt) stream.push(id);
        return stream;
      },
    };
    const logits = (context: readonly number[]) => (context.length === 1 ? [-20, 0, -20] : [-20, -20, 0]);
    for (const numBeams of [1, 2]) {
      const call = { maxNewTokens: 4, numBeams, stopStrings: ' stop' };
      const done = await generateTextAll(tableDecoder({ vocabSize: 3, logits }), metaspace, 'a', call);
      expect(done.sequences).toMatchObject([{ ids: [1], text: '', stopString: ' stop', finishReason: 'stop' }]);
    }
  });

  it('ends with a stop also where the stop string is complete only at the end', async () => {
    for (const numBeams of [1, 2]) {
      const call = { maxNewTokens: 2, numBeams, stopStrings: '\ufffd' };
      const { all, done } = await collect(generateText(scripted('aü'), bytes, '>', call));
      expect(done.sequences).toMatchObject([{ text: 'a', stopString: '\ufffd', finishReason: 'stop' }]);
      if (numBeams === 1) expect(all.at(-2)).toMatchObject({ text: '', finished: 'stop' });
    }
  });

  it('break disposes the session', async () => {
    for (const numBeams of [1, 2]) {
      const decoder = scripted('abcdef');
      for await (const _ of generateText(decoder, bytes, '>', { ...options, numBeams })) break;
      expect(decoder.openSessions).toBe(0);
    }
  });

  it('refuses bad options at the call', () => {
    expect(() => generateText(scripted('a'), bytes, '>', { stopStrings: [''] })).toThrow('a stop string must be');
    expect(() => generateText(scripted('a'), bytes, '', {})).toThrow('an empty prompt');
    expect(() => generateText(scripted('a'), bytes, '>', { topP: 3 })).toThrow('topP = 3');
  });

  it('takes one stop string without a list', async () => {
    const done = await generateTextAll(scripted('Hund und Katze'), bytes, '>', { ...options, stopStrings: ' und' });
    expect(done.sequences).toMatchObject([{ text: 'Hund', stopString: ' und' }]);
  });

  it.each<[unknown, unknown, string]>([
    [undefined, {}, 'not a list of prompts; seen: undefined; expected: a text, or a list of texts'],
    [{ text: 'a' }, {}, 'not a list of prompts; seen: {"text":"a"}; expected: a text'],
    [new Map(), {}, 'not a list of prompts; seen: Map;'],
    [[1, 2, 3], {}, 'not a prompt; seen: 1; expected: a text, or a list of texts'],
    [['a', undefined], {}, 'not a prompt; seen: undefined; expected: a text'],
    ['>', { stopStrings: 5 }, 'a stop string must be a text of at least one character; seen: 5'],
    ['>', { stopStrings: [5n] }, 'a stop string must be a text of at least one character; seen: ["5"]'],
    ['>', { stopStrings: '' }, 'a stop string must be'],
    ['>', { maxTokens: 5 }, 'maxTokens is no generation option'],
    ['>', { stopWhen: 5 }, 'stopWhen = 5 is not a function'],
    ['>', { numBeams: 2, stopIds: 5 }, 'stopIds = 5 is not a list of token ids'],
  ])('refuses at the call: %o, %o', (prompts, call, message) => {
    const start = () => generateText(scripted('a'), bytes, prompts as string, call as GenerateOptions);
    expect(start).toThrow(ConfigError);
    expect(start).toThrow(message);
  });
});
