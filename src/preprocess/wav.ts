/** RIFF/WAVE audio files: uncompressed samples, mixed down to one channel. Microsoft & IBM 1991; extensible form 2001. */
import { FormatError, UnsupportedError } from '../errors.ts';

export interface Wav {
  /** Samples per second. */
  readonly sampleRate: number;
  /** Channels of the file; `samples` is their mean. */
  readonly channels: number;
  /** Mono, -1..1 for whole-number formats. */
  readonly samples: Float32Array;
}

const PCM = 1;
const FLOAT = 3;
/** The true format is in the first two bytes of a GUID. */
const EXTENSIBLE = 0xfffe;
/** What programs write as a size that they do not know yet, when the file goes into a pipe. */
const UNKNOWN_SIZE = 0xffffffff;
const MOST_CHANNELS = 256;

/** Reads one sample at a byte offset, scaled to -1..1. */
type SampleReader = (view: DataView, at: number) => number;
const READERS: Readonly<Record<string, SampleReader>> = {
  // 8 bits are the only ones without a sign.
  [`${PCM}/8`]: (view, at) => (view.getUint8(at) - 128) / 2 ** 7,
  [`${PCM}/16`]: (view, at) => view.getInt16(at, true) / 2 ** 15,
  [`${PCM}/24`]: (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23,
  [`${PCM}/32`]: (view, at) => view.getInt32(at, true) / 2 ** 31,
  [`${FLOAT}/32`]: (view, at) => view.getFloat32(at, true),
  [`${FLOAT}/64`]: (view, at) => view.getFloat64(at, true),
};

interface Format {
  readonly channels: number;
  readonly sampleRate: number;
  readonly bytesPerSample: number;
  readonly read: SampleReader;
}

/**
 * Samples of a WAV file: PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64, plain or extensible, any number of channels.
 * What is allocated follows from the bytes that are there, not from what the header says.
 * @throws FormatError for bytes that are no such file or end early; UnsupportedError for compressed audio
 */
export function readWav(bytes: Uint8Array): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE')
    throw new FormatError('not a WAV file', {
      seen: `${bytes.length} bytes, ${JSON.stringify(tag(0))} ... ${JSON.stringify(tag(8))}`,
      expected: 'RIFF ... WAVE',
    });
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [name, size, start] = [tag(at), view.getUint32(at + 4, true), at + 8];
    const open = name === 'data' && size === UNKNOWN_SIZE;
    const end = open ? bytes.length : start + size;
    if (end > bytes.length)
      throw new FormatError('a WAV chunk reaches past the end of the file', {
        seen: `${size} bytes at ${start} of ${bytes.length}`,
        where: `chunk ${JSON.stringify(name)}`,
      });
    if (name === 'fmt ') format = readFormat(view, start, size);
    if (name === 'data') {
      if (!format)
        throw new FormatError('a WAV file whose samples come before their format', { expected: 'fmt, data' });
      return mixDown(view, start, end, format, open);
    }
    // Chunks begin at even offsets.
    at = end + (size % 2);
  }
  throw new FormatError('a WAV file without samples', { expected: 'a data chunk' });
}

function readFormat(view: DataView, at: number, size: number): Format {
  const fail = (what: string, seen: string, expected: string) =>
    new FormatError(`WAV format: ${what}`, { seen, expected, where: "chunk 'fmt '" });
  if (size < 16) throw fail('too short', `${size} bytes`, 'at least 16');
  const kind = view.getUint16(at, true);
  const channels = view.getUint16(at + 2, true);
  const sampleRate = view.getUint32(at + 4, true);
  const frame = view.getUint16(at + 12, true);
  const bits = view.getUint16(at + 14, true);
  if (kind === EXTENSIBLE && size < 26) throw fail('too short for the extensible form', `${size} bytes`, 'at least 26');
  const coding = kind === EXTENSIBLE ? view.getUint16(at + 24, true) : kind;
  const read = READERS[`${coding}/${bits}`];
  if (!read)
    throw new UnsupportedError('WAV coding', {
      seen: `format ${coding} with ${bits} bits`,
      expected: 'PCM (1) of 8, 16, 24 or 32 bits, or float (3) of 32 or 64',
      fix: 'convert the file to 16-bit PCM',
    });
  if (channels < 1 || channels > MOST_CHANNELS) throw fail('channels', `${channels}`, `1 to ${MOST_CHANNELS}`);
  if (sampleRate < 1) throw fail('sample rate', `${sampleRate}`, 'above 0');
  const bytesPerSample = bits / 8;
  if (frame !== channels * bytesPerSample) throw fail('bytes per frame', `${frame}`, `${channels * bytesPerSample}`);
  return { channels, sampleRate, bytesPerSample, read };
}

function mixDown(view: DataView, start: number, end: number, format: Format, open: boolean): Wav {
  const { channels, sampleRate, bytesPerSample, read } = format;
  const frame = channels * bytesPerSample;
  if ((end - start) % frame !== 0 && !open)
    throw new FormatError('WAV samples end within a frame', {
      seen: `${end - start} bytes`,
      expected: `a multiple of ${frame}`,
    });
  const samples = new Float32Array(Math.floor((end - start) / frame));
  for (let i = 0; i < samples.length; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += read(view, start + i * frame + c * bytesPerSample);
    samples[i] = sum / channels;
  }
  return { sampleRate, channels, samples };
}
