/** Code as a tree, and its bytes: the encoding that instructions and modules share. Core specification 2.0, section 5. */

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';
export const TYPE_CODE: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** A local variable or parameter of the function under construction. */
export class Local {
  readonly index: number;
  readonly type: ValueType;
  /** The index as it is written. */
  readonly bytes: Code;
  /** Index of the memory that an address points into: loads and stores through it go there. */
  readonly memory: number;
  constructor(index: number, type: ValueType, memory = 0) {
    this.index = index;
    this.type = type;
    this.bytes = uleb(index);
    this.memory = memory;
  }
  /** The same variable as an address in a memory. */
  into(memory: number): Local {
    return memory === this.memory ? this : new Local(this.index, this.type, memory);
  }
}
/** Instructions as a tree, or bytes that are already written. */
export type Code = number | Local | Uint8Array | readonly Code[];

/** Unsigned LEB128. */
export function uleb(n: number): number[] {
  const out: number[] = [];
  do {
    const rest = Math.floor(n / 128);
    out.push(rest ? (n % 128) | 0x80 : n);
    n = rest;
  } while (n);
  return out;
}
/** Signed LEB128 of a 32-bit value. */
export function sleb(n: number): number[] {
  const out: number[] = [];
  for (;;) {
    const low = n & 0x7f;
    n >>= 7;
    if ((n === 0 && !(low & 0x40)) || (n === -1 && low & 0x40)) return [...out, low];
    out.push(low | 0x80);
  }
}
const bits = new DataView(new ArrayBuffer(8));
const littleEndian = (bytes: number): number[] => Array.from({ length: bytes }, (_, i) => bits.getUint8(i));
export const f32Bytes = (x: number): number[] => {
  bits.setFloat32(0, x, true);
  return littleEndian(4);
};
export const f64Bytes = (x: number): number[] => {
  bits.setFloat64(0, x, true);
  return littleEndian(8);
};
export const i32Bytes = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255];
export const vector = (items: readonly Code[]): Code => [uleb(items.length), items];
export const text = (s: string): Code => vector([...new TextEncoder().encode(s)]);
export const sized = (body: Code): Code => {
  const bytes = write(body);
  return [uleb(bytes.length), bytes];
};
export const section = (id: number, body: Code): Code => [id, sized(body)];

/** Where trees are written before their length is known. */
let buffer = new Uint8Array(1 << 16);

/** The bytes of a tree. */
export function write(code: Code): Uint8Array<ArrayBuffer> {
  let length = 0;
  const reserve = (more: number) => {
    if (length + more <= buffer.length) return;
    const larger = new Uint8Array(2 * (length + more));
    larger.set(buffer);
    buffer = larger;
  };
  const visit = (node: Code): void => {
    if (typeof node === 'number') {
      reserve(1);
      buffer[length++] = node;
    } else if (node instanceof Local) {
      visit(0x20);
      visit(node.bytes);
    } else if (node instanceof Uint8Array) {
      reserve(node.length);
      buffer.set(node, length);
      length += node.length;
    } else for (let i = 0; i < node.length; i++) visit(node[i]!);
  };
  visit(code);
  return buffer.slice(0, length);
}
