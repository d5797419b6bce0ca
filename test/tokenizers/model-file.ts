/** SentencePiece models for tests, written as their protobuf bytes. */
const TYPES = { normal: 1, unknown: 2, control: 3, user_defined: 4, unused: 5, byte: 6 } as const;

/** Protobuf fields as bytes: numbers as varints, texts and messages with their length. */
export function field(number: number, value: number | string | Uint8Array): number[] {
  const varint = (n: number): number[] => (n < 128 ? [n] : [(n % 128) + 128, ...varint(Math.floor(n / 128))]);
  if (typeof value === 'number') return [...varint(number * 8), ...varint(value)];
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
}

/** A piece of a model; without a type a normal one. */
export type Piece = readonly [text: string, score: number, type?: keyof typeof TYPES];

/** The bytes of a model: BPE without removal of spaces unless the fields of its parts say otherwise. */
export function modelFile(
  pieces: readonly Piece[],
  trainer: number[] = field(3, 2),
  normalizer: number[] = field(4, 0),
): Uint8Array {
  const encoded = pieces.flatMap(([text, score, type = 'normal']) => {
    const float = new Uint8Array(new Float32Array([score]).buffer);
    return field(1, Uint8Array.from([...field(1, text), 2 * 8 + 5, ...float, ...field(3, TYPES[type])]));
  });
  return Uint8Array.from([...encoded, ...field(2, Uint8Array.from(trainer)), ...field(3, Uint8Array.from(normalizer))]);
}

/** The first pieces of most models. */
export const CONTROLS: readonly Piece[] = [
  ['<unk>', 0, 'unknown'],
  ['<s>', 0, 'control'],
  ['</s>', 0, 'control'],
];
