import { describe, expect, it } from 'vitest';
import { readWav } from './wav.ts';

const chunk = (name: string, body: ArrayLike<number>, size = body.length) => [
  ...[...name].map(c => c.charCodeAt(0)),
  ...u32(size),
  ...Array.from(body),
];
const u16 = (x: number) => [x & 255, x >> 8];
const u32 = (x: number) => [x & 255, (x >>> 8) & 255, (x >>> 16) & 255, x >>> 24];
interface Fmt {
  kind?: number;
  channels?: number;
  rate?: number;
  bits?: number;
  frame?: number;
  more?: number[];
}
const fmt = ({ kind = 1, channels = 1, rate = 16000, bits = 16, frame, more = [] }: Fmt = {}) => {
  const bytes = frame ?? (channels * bits) / 8;
  return chunk('fmt ', [
    ...[...u16(kind), ...u16(channels), ...u32(rate), ...u32(rate * bytes), ...u16(bytes), ...u16(bits)],
    ...more,
  ]);
};
const wav = (...chunks: number[][]) => {
  const body = [...'WAVE'].map(c => c.charCodeAt(0)).concat(...chunks);
  return Uint8Array.from(chunk('RIFF', body));
};
const bytesOf = (array: ArrayBufferView) => [...new Uint8Array(array.buffer, array.byteOffset, array.byteLength)];

describe('readWav', () => {
  it.each<[string, Fmt, number[], number[]]>([
    ['8 bits, unsigned', { bits: 8 }, [0, 128, 255, 192], [-1, 0, 127 / 128, 0.5]],
    ['16 bits', {}, bytesOf(Int16Array.of(-32768, 0, 16384)), [-1, 0, 0.5]],
    ['24 bits', { bits: 24 }, [0, 0, 0x80, 0, 0, 0x40, 0xff, 0xff, 0xff], [-1, 0.5, -(2 ** -23)]],
    ['32 bits', { bits: 32 }, bytesOf(Int32Array.of(-(2 ** 31), 2 ** 30)), [-1, 0.5]],
    ['floats', { kind: 3, bits: 32 }, bytesOf(Float32Array.of(-0.25, 1.5)), [-0.25, 1.5]],
    ['doubles', { kind: 3, bits: 64 }, bytesOf(Float64Array.of(0.1, -1)), [Math.fround(0.1), -1]],
    [
      'the mean of three channels',
      { channels: 3 },
      bytesOf(Int16Array.of(16384, -16384, 8192, 0, 0, 3)),
      [1 / 12, 2 ** -15],
    ],
  ])('%s', (_, format, data, expected) => {
    const read = readWav(wav(fmt(format), chunk('data', data)));
    expect([...read.samples]).toEqual(expected.map(Math.fround));
    expect(read).toMatchObject({ sampleRate: 16000, channels: format.channels ?? 1 });
  });
  it('the extensible form', () => {
    const more = [...u16(22), ...u16(24), ...u32(4), ...u16(1), ...new Array<number>(14).fill(7)];
    const file = wav(fmt({ kind: 0xfffe, rate: 44100, bits: 24, more }), chunk('data', [0, 0, 0x20]));
    expect(readWav(file)).toEqual({ sampleRate: 44100, channels: 1, samples: Float32Array.of(0.25) });
  });
  it('passes over other chunks, odd ones too, and starts anywhere in a buffer', () => {
    const file = wav(chunk('LIST', [1, 2, 3, 0], 3), fmt(), chunk('fact', u32(1)), chunk('data', u16(8192)));
    const inside = Uint8Array.from([9, ...file]).subarray(1);
    expect([...readWav(inside).samples]).toEqual([0.25]);
  });
  it('takes what is there when the size was not known to the writer', () => {
    const file = wav(fmt(), chunk('data', [...u16(8192), ...u16(16384), 1], 0xffffffff));
    expect([...readWav(file).samples]).toEqual([0.25, 0.5]);
  });
  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /not a WAV file; seen: 0 bytes/],
    ['another kind of file', new Uint8Array(64).fill(70), /not a WAV file/],
    ['no samples', wav(fmt()), /without samples/],
    ['samples without a format', wav(chunk('data', [0, 0])), /before their format/],
    [
      'a size past the end',
      wav(fmt(), chunk('data', [0, 0], 0xfffffff0)),
      /past the end.*4294967280 bytes at 44 of 46/,
    ],
    ['half a frame', wav(fmt({ channels: 2 }), chunk('data', new Array(6).fill(0))), /within a frame; seen: 6 bytes/],
    ['no channel', wav(fmt({ channels: 0 }), chunk('data', [])), /channels; seen: 0/],
    ['thousands of channels', wav(fmt({ channels: 65535, frame: 0 }), chunk('data', [])), /channels; seen: 65535/],
    ['no rate', wav(fmt({ rate: 0 }), chunk('data', [])), /sample rate; seen: 0/],
    [
      'frames of another size',
      wav(fmt({ frame: 3 }), chunk('data', [0, 0, 0])),
      /bytes per frame; seen: 3; expected: 2/,
    ],
    ['a short format', wav(chunk('fmt ', [1, 0, 1, 0]), chunk('data', [])), /too short; seen: 4 bytes/],
    ['compressed audio', wav(fmt({ kind: 85 }), chunk('data', [])), /WAV coding; seen: format 85 with 16 bits/],
    ['a depth that there is not', wav(fmt({ bits: 12, frame: 2 }), chunk('data', [])), /format 1 with 12 bits/],
    ['a short extensible format', wav(fmt({ kind: 0xfffe }), chunk('data', [])), /extensible form; seen: 16 bytes/],
  ])('refuses %s', (_, file, message) => {
    expect(() => readWav(file)).toThrow(message);
  });
});
