/** Weights files that are wrong: bytes changed anywhere, and numbers, headers and lists that lie. */
import type { Rng } from '../../src/util/rng.ts';
import { bytesOf, joined, u32, u64 } from '../formats/torch-builder.ts';
import { mutatedBytes, mutatedJson } from './mutated-file.ts';

const pick = <T>(rng: Rng, list: readonly T[]): T => list[rng.below(list.length)]!;

/** Numbers at the ends of what is allowed, and beyond; `size` is that of the file. */
const numbers = (size: number): readonly bigint[] => [
  ...[0n, 1n, 2n, 7n, 31n, 32n, 33n, 255n, 256n, 65_535n, 65_536n, 2n ** 24n, 2n ** 30n],
  ...[2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 40n, 2n ** 53n - 1n, 2n ** 53n],
  ...[2n ** 61n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
  ...[BigInt(size), BigInt(size) - 1n, BigInt(size) + 1n, BigInt(size >> 1), 2n ** 64n - BigInt(size)],
];

/** A number put over bytes of the file, in 2, 4 or 8 of them. */
function withNumber(rng: Rng, bytes: Uint8Array): Uint8Array {
  const width = pick(rng, [2, 4, 8]);
  if (bytes.length < width) return bytes;
  // Heads are aligned as often as not, and numbers near the front count most.
  const reach = rng.below(2) === 0 ? Math.min(bytes.length, 512) : bytes.length;
  const at = rng.below(reach - width + 1);
  const out = bytes.slice();
  let value = pick(rng, numbers(bytes.length));
  for (let i = 0; i < width; i++, value >>= 8n) out[at + i] = Number(value & 255n);
  return out;
}

/** A file with a few changes: bytes, numbers, parts of another file. */
export function mutatedWeights(rng: Rng, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  let out = bytes;
  for (let edits = 1 + rng.below(4); edits > 0; edits--) {
    const kind = rng.below(8);
    if (kind < 4) out = withNumber(rng, out);
    else if (kind < 7) out = mutatedBytes(rng, out);
    else out = joined([out.subarray(0, rng.below(out.length + 1)), other.subarray(rng.below(other.length + 1))]);
  }
  return out;
}

/** A safetensors file whose header is other JSON, with a length that fits. */
export function withHeader(rng: Rng, bytes: Uint8Array): Uint8Array {
  const length = bytes.length < 8 ? 0 : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const end = Math.min(bytes.length, 8 + length);
  let header: string;
  try {
    const text = new TextDecoder().decode(bytes.subarray(8, end));
    const names = Object.keys(JSON.parse(text) as object);
    header = JSON.stringify(mutatedJson(rng, text, names.length > 0 ? names : ['x']));
  } catch (error) {
    // Of a file that is corrupt already there is no header to edit: no JSON, no object, endless depth.
    if (![SyntaxError, TypeError, RangeError].some(kind => error instanceof kind)) throw error;
    const tensor = {
      dtype: 'F32',
      shape: [rng.below(5), pick(rng, [0, 1, 2 ** 31])],
      data_offsets: [0, rng.below(99)],
    };
    header = JSON.stringify({ a: tensor });
  }
  const json = new TextEncoder().encode(header);
  return joined([u64(json.length), json, bytes.subarray(end)]);
}

/** GGUF metadata with lists in lists, counts that may lie, and tensors that may be anywhere. */
export function randomGguf(rng: Rng): Uint8Array {
  const text = (value: string) => bytesOf(u64(value.length), value);
  const lie = (count: number) => (rng.below(12) === 0 ? pick(rng, numbers(count)) : BigInt(count));
  const value = (type: number, depth: number): Uint8Array => {
    if (type === 8) return text('x'.repeat(rng.below(20)));
    if (type === 9) {
      const inner = depth > 9 ? rng.below(9) : rng.below(14);
      const count = depth > 3 ? rng.below(2) : rng.below(6);
      const items = Array.from({ length: count }, () => value(inner, depth + 1));
      return joined([u32(inner), u64(lie(count)), ...items]);
    }
    const bytes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8][type] ?? 4;
    return Uint8Array.from({ length: bytes }, () => (type === 7 ? rng.below(2) : rng.below(256)));
  };
  const pairs = Array.from({ length: rng.below(8) }, (_, i) => {
    const type = rng.below(40) === 0 ? rng.below(20) : pick(rng, [0, 4, 6, 7, 8, 9, 9, 9, 10, 12]);
    return joined([text(`key.${i}`), u32(type), value(type, 0)]);
  });
  const dimension = () =>
    rng.below(8) === 0 ? pick(rng, numbers(64)) : BigInt(rng.below(4) * pick(rng, [1, 32, 256]));
  const tensors = Array.from({ length: rng.below(4) }, (_, i) => {
    const rank = rng.below(20) === 0 ? rng.below(9) : rng.below(4);
    const shape = Array.from({ length: rank }, () => u64(dimension()));
    const offset = rng.below(6) === 0 ? pick(rng, numbers(64)) : BigInt(32 * rng.below(8));
    return joined([text(`t.${i}`), u32(rank), ...shape, u32(rng.below(40)), u64(offset)]);
  });
  const head = bytesOf('GGUF', u32(2 + rng.below(2)), u64(lie(tensors.length)), u64(lie(pairs.length)));
  return joined([head, ...pairs, ...tensors, new Uint8Array(rng.below(4096))]);
}
