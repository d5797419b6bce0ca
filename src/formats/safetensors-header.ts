/**
 * The directory at the head of a safetensors file, checked completely before a tensor is read.
 * Source: huggingface/safetensors, format section of its README. Deviations: none that accept less than the format allows;
 * headers that start with a space or give a tensor twice are refused, as the format says and the reference does not.
 */
import { FormatError, UnsupportedError } from '../errors.ts';
import { type FileDType, isFileDType, type TensorEntry, tensorBytes } from './checkpoint.ts';
import { JsonReader, type JsonText } from './json-reader.ts';
import { quoted } from './quoted.ts';

/** Longest header of the format, in bytes. */
export const MAX_HEADER_BYTES = 100_000_000;

/** The key of the header that is not a tensor. */
export const METADATA_KEY = '__metadata__';

/** A tensor and where its bytes start, counted from the end of the header. */
export interface PlacedTensor extends TensorEntry {
  readonly begin: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, PlacedTensor>;
}

/** Dtypes of newer files that are narrower than a byte or that no model of this library holds. */
const UNSUPPORTED_DTYPES = new Set([
  'F4',
  'F6_E2M3',
  'F6_E3M2',
  'F8_E8M0',
  'F8_E4M3FNUZ',
  'F8_E5M2FNUZ',
  'C64',
  'C128',
]);

/**
 * Parses a header and checks that its tensors fill `dataBytes` bytes without overlap or hole. Time grows with the text (and
 * with n log n of the tensors if they are out of order). Throws FormatError, UnsupportedError for a known dtype that cannot be read.
 */
export function parseSafetensorsHeader(text: JsonText, dataBytes: number, where: string): SafetensorsHeader {
  const reader = new JsonReader(text, `the header of ${where}`);
  if (text.charCodeAt(0) !== 0x7b) {
    reader.fail("header does not start with '{'", {
      seen: text.length === 0 ? 'an empty header' : quoted(text.slice(0, 1)),
    });
  }
  let metadata: Record<string, string> | undefined;
  const tensors = new Map<string, PlacedTensor>();
  reader.object(
    key => {
      if (key === METADATA_KEY) metadata = readMetadata(reader);
      else tensors.set(key, readEntry(reader, key, dataBytes, where));
    },
    key => tensors.has(key) || (key === METADATA_KEY && metadata !== undefined),
  );
  reader.end();
  checkCoverage(tensors, dataBytes, where);
  return { metadata: metadata ?? {}, tensors };
}

function readMetadata(reader: JsonReader): Record<string, string> {
  // Without a prototype, so that no name of a file means anything.
  const metadata = Object.create(null) as Record<string, string>;
  reader.object(
    name => {
      metadata[name] = reader.string();
    },
    name => name in metadata,
  );
  return metadata;
}

function readEntry(reader: JsonReader, name: string, dataBytes: number, where: string): PlacedTensor {
  let dtype: FileDType | undefined;
  const fields: { shape?: number[]; data_offsets?: number[] } = {};
  const numbers = () => {
    const list: number[] = [];
    reader.array(() => list.push(reader.unsigned()));
    return list;
  };
  reader.object(key => {
    if (key === 'dtype') dtype = readDType(reader, name, where);
    else if (key === 'shape' || key === 'data_offsets') fields[key] = numbers();
    else reader.skip();
  });
  const { shape, data_offsets: offsets } = fields;
  if (!dtype || !shape || !offsets) {
    const missing = [!dtype && 'dtype', !shape && 'shape', !offsets && 'data_offsets'].filter(Boolean).join(', ');
    reader.fail(`tensor lacks ${missing}`);
  }
  const [begin, end] = offsets;
  if (offsets.length !== 2 || begin === undefined || end === undefined) {
    reader.fail('data_offsets are no pair', { seen: `${offsets.length} numbers`, expected: 'begin and end' });
  }
  const problem = (what: string, seen: string, expected: string) =>
    new FormatError(what, { seen, expected, where: `tensor ${quoted(name)} of ${where}` });
  if (end < begin) throw problem('data_offsets end before they begin', `[${begin}, ${end}]`, 'begin <= end');
  if (end > dataBytes) {
    throw problem('tensor reaches past the end of the file', `end at byte ${end} of the data`, `at most ${dataBytes}`);
  }
  const byteLength = tensorBytes(dtype, shape);
  const described = () => `${dtype} of shape ${showShape(shape)}`;
  if (byteLength === undefined) throw problem('shape overflows', described(), 'fewer than 2^53 bytes');
  if (byteLength !== end - begin) {
    throw problem(
      'data_offsets do not fit dtype and shape',
      `${end - begin} bytes`,
      `${byteLength} bytes (${described()})`,
    );
  }
  return { name, dtype, shape, byteLength, begin };
}

function readDType(reader: JsonReader, name: string, where: string): FileDType {
  const text = reader.string();
  if (isFileDType(text)) return text;
  if (!UNSUPPORTED_DTYPES.has(text)) reader.fail('unknown dtype', { seen: quoted(text) });
  throw new UnsupportedError('dtype is not supported', { seen: text, where: `tensor ${quoted(name)} of ${where}` });
}

/** Sizes of a shape for a message, cut if a hostile file made it long. */
function showShape(shape: readonly number[]): string {
  return `[${shape.slice(0, 8).join(', ')}${shape.length > 8 ? `, … ${shape.length} dimensions` : ''}]`;
}

/** In the order of their bytes, each tensor must start where the one before ends, and the last one must end the file. */
function checkCoverage(tensors: ReadonlyMap<string, PlacedTensor>, dataBytes: number, where: string): void {
  const placed = [...tensors.values()].sort((a, b) => a.begin - b.begin || a.byteLength - b.byteLength);
  let covered = 0;
  let previous: PlacedTensor | undefined;
  const coveredBy = () => (previous === undefined ? 'the header' : `tensor ${quoted(previous.name)}`);
  for (const tensor of placed) {
    if (tensor.begin !== covered) {
      throw new FormatError(tensor.begin < covered ? 'tensors overlap' : 'hole in the data that no tensor covers', {
        seen: `tensor ${quoted(tensor.name)} begins at byte ${tensor.begin}`,
        expected: `byte ${covered}, where ${coveredBy()} ends`,
        where,
      });
    }
    covered += tensor.byteLength;
    previous = tensor;
  }
  if (covered !== dataBytes) {
    throw new FormatError('bytes at the end of the file belong to no tensor', {
      seen: `${dataBytes} bytes of data`,
      expected: `${covered} bytes, where ${coveredBy()} ends`,
      where,
    });
  }
}
