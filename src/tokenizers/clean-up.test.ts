import { describe, expect, it } from 'vitest';
import { cleaningStage, cleanUpSpaces } from './clean-up.ts';
import { TextSink } from './stream-decoder.ts';

const streamed = (parts: readonly string[]) => {
  const sink = new TextSink();
  const stage = cleaningStage(sink);
  let text = '';
  for (const part of parts) {
    stage.push(part);
    stage.drain();
    text += sink.take();
  }
  stage.finish();
  return text + sink.take();
};

describe('cleaningStage', () => {
  const pieces = [' ', '.', "'", ' do', ' not', 'n', 't', 'a', '?', ' d', 'o', 's', 've', ',', 'm', 're'];

  it('gives what cleaning the whole text gives, wherever the text is cut', () => {
    let seed = 1;
    const below = (n: number) => ((seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) >>> 8) % n;
    for (let round = 0; round < 500; round++) {
      const text = Array.from({ length: 1 + below(12) }, () => pieces[below(pieces.length)]!).join('');
      const expected = cleanUpSpaces(text);
      for (let cut = 0; cut <= text.length; cut++)
        expect(streamed([text.slice(0, cut), text.slice(cut)])).toBe(expected);
      expect(streamed([...text])).toBe(expected);
    }
  });

  it('holds back no more than the beginning of what it replaces', () => {
    const sink = new TextSink();
    const stage = cleaningStage(sink);
    const shown = ['We', ' do', ' no', 't', ' go', ' '].map(part => {
      stage.push(part);
      return sink.take();
    });
    expect(shown).toEqual(['We', '', '', " don't", ' go', '']);
  });
});
