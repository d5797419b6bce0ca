/** Files that are wrong in the ways that files go wrong, and in those that somebody would think of. */
import type { Rng } from '../../src/util/rng.ts';

const pick = <T>(rng: Rng, list: readonly T[]): T => list[rng.below(list.length)]!;

/** Values of the wrong kind, and numbers that nobody counts to. */
const VALUES: readonly unknown[] = [
  ...[null, true, false, '', 'x', '\ud800', 'a'.repeat(5000), [], {}, [[]], { type: 'Sequence' }, [null, 1, 'a']],
  ...[0, -1, 1, 0.5, 1e3, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 1e20, 1e308, -1e308],
  ...['BPE', 'Unigram', 'WordPiece', 'WordLevel', 'ByteLevel', 'Metaspace', 'NFKC', 'Isolated', '__proto__'],
];

/** Patterns that other engines run forever on, that are broken, or that are large. */
const REGEXES: readonly ((rng: Rng) => string)[] = [
  () => '(a+)+$',
  () => '(a|a)*b',
  () => '(.*)*x',
  () => '([a-z]+)*\\d',
  rng => `${'.*'.repeat(1 + rng.below(12))}x`,
  rng => `${'\\s*'.repeat(1 + rng.below(9))}\\d`,
  rng => `${'a?'.repeat(1 + rng.below(40))}${'a'.repeat(40)}`,
  rng => `${'(a|a|b)'.repeat(1 + rng.below(40))}c`,
  rng => `${'(?:\\w|\\d)?'.repeat(1 + rng.below(40))}!`,
  rng => `${'.{0,900}'.repeat(1 + rng.below(8))}x`,
  rng => `(?=${'.*'.repeat(1 + rng.below(6))}x)a`,
  rng => `(?<=x${'.*'.repeat(1 + rng.below(6))})a`,
  rng => `${'('.repeat(rng.below(3000))}a${')'.repeat(rng.below(3000))}`,
  rng => `${'['.repeat(rng.below(3000))}a${']'.repeat(rng.below(3000))}`,
  rng => `a{${rng.below(2 ** 20)}}{${rng.below(2 ** 20)}}`,
  rng => `[${'\\p{L}'.repeat(rng.below(3000))}]+`,
  rng => Array.from({ length: rng.below(30) }, () => pick(rng, [...'()[]{}*+?|\\^$.-&,:=!<>aZ09 pPsSdDwWbB'])).join(''),
  () => '\\1(a)',
  () => '(?<n>a)\\k<n>',
  () => '(?R)',
  () => '[z-a]',
  () => '\\p{Nonsense}',
  () => '',
];

/** A pattern that a file should not have. */
export const hostileRegex = (rng: Rng): string => pick(rng, REGEXES)(rng);

/** The fields in which a component has its parts. */
const LISTS = ['normalizers', 'pretokenizers', 'processors', 'decoders'];

type Holder = Record<string, unknown>;
const isHolder = (value: unknown): value is Holder => typeof value === 'object' && value !== null;

/** Some object or list inside of `root`, however deep. */
function somewhere(rng: Rng, root: Holder): Holder {
  let place = root;
  for (;;) {
    const inner = Object.values(place).filter(isHolder);
    if (inner.length === 0 || rng.below(4) === 0) return place;
    place = pick(rng, inner);
  }
}

const EDITS: readonly ((rng: Rng, place: Holder, key: string, root: Holder) => void)[] = [
  (_rng, place, key) => {
    if (Array.isArray(place)) place.splice(Number(key), 1);
    else delete place[key];
  },
  (rng, place, key) => {
    // A copy: later edits must not reach the next case.
    place[key] = structuredClone(pick(rng, VALUES));
  },
  (rng, place, key) => {
    place[key] = { Regex: hostileRegex(rng) };
  },
  (rng, place, key, root) => {
    place[key] = structuredClone(pick(rng, Object.values(somewhere(rng, root)).concat(null)));
  },
  (_rng, place, key) => {
    place[`${key}x`] = structuredClone(place[key]);
  },
  (rng, place, key) => {
    if (typeof place[key] === 'number') place[key] = (place[key] as number) + rng.below(5) - 2;
    else if (typeof place[key] === 'string') place[key] = (place[key] as string).slice(rng.below(3));
    else if (typeof place[key] === 'boolean') place[key] = !place[key];
    else place[key] = [place[key]];
  },
  (rng, place, key) => {
    let nested: unknown = place[key];
    const list = pick(rng, LISTS);
    for (let depth = rng.below(60); depth > 0; depth--) nested = { type: 'Sequence', [list]: [nested] };
    place[key] = nested;
  },
];
/** The parts of a tokenizer.json besides its vocabulary, which would take nearly all edits. */
const PARTS = [
  'normalizer',
  'pre_tokenizer',
  'post_processor',
  'decoder',
  'added_tokens',
  'model',
  'truncation',
  'padding',
];

/** A JSON value with a few edits, most of them in `parts` of it. */
export function mutatedJson(rng: Rng, text: string, parts: readonly string[] = PARTS): unknown {
  const root = JSON.parse(text) as Holder;
  for (let edits = 1 + rng.below(3); edits > 0; edits--) {
    const part = rng.below(4) === 0 ? undefined : root[pick(rng, parts)];
    const place = isHolder(part) && rng.below(5) > 0 ? somewhere(rng, part) : root;
    const keys = Object.keys(place);
    if (keys.length > 0) pick(rng, EDITS)(rng, place, pick(rng, keys), root);
  }
  return root;
}

/** The same with a pattern of the file, or a new one, in the place of another. */
export function withRegex(text: string, regex: string): unknown {
  const root = JSON.parse(text) as Holder;
  const step = { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false };
  root.pre_tokenizer = { type: 'Sequence', pretokenizers: [step, { type: 'ByteLevel', use_regex: false }] };
  root.normalizer = { type: 'Replace', pattern: { Regex: regex }, content: 'y' };
  return root;
}

/** A value that contains itself, or the same part so often that its paths cannot be counted. */
export function entangled(rng: Rng, text: string): unknown {
  const root = JSON.parse(text) as Holder;
  const key = pick(rng, ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder']);
  const lists = (parts: unknown[]) => ({ type: 'Sequence', ...Object.fromEntries(LISTS.map(list => [list, parts])) });
  if (rng.below(2) === 0) {
    const parts: unknown[] = [];
    const loop = lists(parts);
    parts.push(loop);
    root[key] = loop;
    return root;
  }
  let part: unknown = { type: 'ByteLevel' };
  for (let depth = rng.below(40); depth > 0; depth--) part = lists([part, part]);
  root[key] = part;
  return root;
}

const BYTE_EDITS: readonly ((rng: Rng, bytes: Uint8Array, at: number) => Uint8Array)[] = [
  (rng, bytes, at) => {
    bytes[at]! ^= 1 << rng.below(8);
    return bytes;
  },
  (rng, bytes, at) => bytes.fill(pick(rng, [0, 0x7f, 0x80, 0xff]), at, at + 1 + rng.below(9)),
  (_rng, bytes, at) => bytes.slice(0, at),
  (rng, bytes, at) => Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1 + rng.below(9))),
  (rng, bytes, at) =>
    Uint8Array.of(
      ...bytes.subarray(0, at),
      ...bytes.subarray(rng.below(at + 1)).subarray(0, 99),
      ...bytes.subarray(at),
    ),
  (rng, bytes, at) =>
    Uint8Array.of(...bytes.subarray(0, at), ...Array.from({ length: 6 }, () => rng.below(256)), ...bytes.subarray(at)),
];

/** A file with a few bytes changed, removed or put in. */
export function mutatedBytes(rng: Rng, bytes: Uint8Array): Uint8Array {
  let result: Uint8Array = bytes.slice();
  for (let edits = 1 + rng.below(4); edits > 0 && result.length > 0; edits--) {
    // Half of them near the front, where the headers are.
    const at = rng.below(rng.below(2) === 0 ? Math.min(64, result.length) : result.length);
    result = pick(rng, BYTE_EDITS)(rng, result, at);
  }
  return result;
}
