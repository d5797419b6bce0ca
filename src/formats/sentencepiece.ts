/**
 * SentencePiece model files (`.model`): google/sentencepiece sentencepiece_model.proto, read with a small protobuf
 * (proto2) wire-format reader. Unknown fields are skipped.
 */
import { FormatError } from '../errors.ts';

export type PieceType = 'normal' | 'unknown' | 'control' | 'user_defined' | 'unused' | 'byte';
export type SentencePieceAlgorithm = 'unigram' | 'bpe' | 'word' | 'char';

/** An entry of the vocabulary; its id is its place in the list. */
export interface SentencePiece {
  readonly piece: string;
  readonly score: number;
  readonly type: PieceType;
}

/** What a `.model` file says. */
export interface SentencePieceModel {
  readonly pieces: readonly SentencePiece[];
  readonly algorithm: SentencePieceAlgorithm;
  readonly byteFallback: boolean;
  /** Ids of the control tokens; undefined where the model has none. */
  readonly unkId: number | undefined;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly padId: number | undefined;
  /** What an unknown token decodes to. */
  readonly unkSurface: string;
  /** The space mark stands behind words instead of before them. */
  readonly whitespaceAsSuffix: boolean;
  readonly normalizer: {
    readonly name: string;
    /** Replacement rules, empty for none. */
    readonly charsmap: Uint8Array;
    readonly addDummyPrefix: boolean;
    readonly removeExtraWhitespaces: boolean;
    readonly escapeWhitespaces: boolean;
  };
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const PIECE_TYPES: readonly (PieceType | undefined)[] = [
  undefined,
  'normal',
  'unknown',
  'control',
  'user_defined',
  'unused',
  'byte',
];
const ALGORITHMS: readonly (SentencePieceAlgorithm | undefined)[] = [undefined, 'unigram', 'bpe', 'word', 'char'];

/** One field of a message: numbers as they are, everything else as bytes. */
interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/** Walks over the fields of a message. */
class MessageReader {
  readonly #bytes: Uint8Array;
  readonly #where: string;
  #at = 0;

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#where = where;
  }

  #fail(what: string, seen: string): never {
    throw new FormatError(`a SentencePiece model is damaged: ${what}`, {
      seen,
      where: `${this.#where}, byte ${this.#at}`,
    });
  }

  /** A number of up to ten bytes; 64-bit ones lose their upper bits, int32 keeps its sign. */
  #varint(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) this.#fail('it ends within a number', `${this.#bytes.length} bytes`);
      if (shift < 28) low |= (byte & 127) << shift;
      else high += (byte & 127) * 2 ** (shift - 28);
      if (byte < 128) return high >= 2 ** 35 ? low | ((high * 2 ** 28) | 0) : low + high * 2 ** 28;
    }
    return this.#fail('a number is too long', 'more than ten bytes');
  }

  #take(length: number): Uint8Array {
    const left = this.#bytes.length - this.#at;
    if (length > left) this.#fail('a field reaches beyond the end', `${length} bytes, ${left} left`);
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  *fields(): Generator<Field> {
    while (this.#at < this.#bytes.length) {
      const key = this.#varint();
      const number = Math.floor(key / 8);
      const wire = key % 8;
      if (number === 0) this.#fail('field number 0', `key ${key}`);
      if (wire === VARINT) yield { number, value: this.#varint() };
      else if (wire === FIXED64) yield { number, value: this.#take(8) };
      else if (wire === BYTES) yield { number, value: this.#take(this.#varint()) };
      else if (wire === FIXED32) yield { number, value: this.#take(4) };
      else this.#fail('an unknown kind of field', `wire type ${wire}, field ${number}`);
    }
  }
}

/** The last value of each field, typed on request. */
class Message {
  readonly #values = new Map<number, number | Uint8Array>();
  readonly #where: string;

  constructor(bytes: Uint8Array, where: string) {
    this.#where = where;
    for (const { number, value } of new MessageReader(bytes, where).fields()) this.#values.set(number, value);
  }

  #mismatch(number: number, expected: string): never {
    throw new FormatError('a field of a SentencePiece model has the wrong kind', {
      expected,
      where: `${this.#where}, field ${number}`,
    });
  }

  number(number: number, fallback: number): number {
    const value = this.#values.get(number) ?? fallback;
    return typeof value === 'number' ? value : this.#mismatch(number, 'a number');
  }

  bytes(number: number): Uint8Array {
    const value = this.#values.get(number) ?? new Uint8Array(0);
    return typeof value === 'number' ? this.#mismatch(number, 'bytes') : value;
  }

  text(number: number, fallback: string): string {
    return this.#values.has(number) ? decoder.decode(this.bytes(number)) : fallback;
  }

  float(number: number): number {
    const bytes = this.bytes(number);
    if (bytes.length === 0) return 0;
    if (bytes.length !== 4) this.#mismatch(number, 'a 32-bit float');
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
  }

  flag(number: number, fallback: boolean): boolean {
    return this.number(number, fallback ? 1 : 0) !== 0;
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function readPiece(bytes: Uint8Array, id: number): SentencePiece {
  const where = `piece ${id}`;
  const message = new Message(bytes, where);
  const number = message.number(3, 1);
  const type = PIECE_TYPES[number];
  if (!type) throw new FormatError('a piece has an unknown type', { seen: `${number}`, expected: '1 to 6', where });
  const score = message.float(2);
  if (Number.isNaN(score)) throw new FormatError('the score of a piece is not a number', { where });
  return { piece: message.text(1, ''), score, type };
}

/** Reads a `.model` file. Throws FormatError that names the fault and its place. */
export function readSentencePieceModel(bytes: Uint8Array): SentencePieceModel {
  const pieces: SentencePiece[] = [];
  let trainer: Uint8Array = new Uint8Array(0);
  let normalizer: Uint8Array = new Uint8Array(0);
  for (const { number, value } of new MessageReader(bytes, 'model').fields()) {
    if (number > 3) continue;
    if (typeof value === 'number')
      throw new FormatError('not a SentencePiece model', {
        seen: `a number in field ${number}`,
        expected: 'a message',
      });
    if (number === 1) pieces.push(readPiece(value, pieces.length));
    else if (number === 2) trainer = value;
    else normalizer = value;
  }
  if (pieces.length === 0)
    throw new FormatError('a SentencePiece model has no pieces', { seen: `${bytes.length} bytes` });
  const spec = new Message(trainer, 'trainer_spec');
  const rules = new Message(normalizer, 'normalizer_spec');
  const algorithm = ALGORITHMS[spec.number(3, 1)];
  if (!algorithm)
    throw new FormatError('a SentencePiece model has an unknown algorithm', {
      seen: `${spec.number(3, 1)}`,
      expected: '1 to 4',
    });
  const id = (number: number, fallback: number) => {
    const value = spec.number(number, fallback);
    return value >= 0 && value < pieces.length ? value : undefined;
  };
  return {
    pieces,
    algorithm,
    byteFallback: spec.flag(35, false),
    unkId: id(40, 0),
    bosId: id(41, 1),
    eosId: id(42, 2),
    padId: id(43, -1),
    unkSurface: spec.text(44, ' \u2047 '),
    whitespaceAsSuffix: spec.flag(24, false),
    normalizer: {
      name: rules.text(1, ''),
      charsmap: rules.bytes(2),
      addDummyPrefix: rules.flag(3, true),
      removeExtraWhitespaces: rules.flag(4, true),
      escapeWhitespaces: rules.flag(5, true),
    },
  };
}
