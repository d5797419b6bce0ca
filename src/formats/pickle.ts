/**
 * Reads Python pickles as data: a machine that knows only the opcodes that checkpoints of tensors need. It builds numbers,
 * text and plain containers; every global name and every call goes to a list that its caller gives. Nothing is imported, and
 * there is nothing that could be executed.
 * Source: Python, Lib/pickletools.py; protocols 2 to 5, without text opcodes, extensions, instances and out-of-band buffers.
 * Special: no value is larger than the bytes it was read from, time and memory grow with the pickle's length, and no
 * recursion follows its nesting.
 */
import { type ErrorFacts, FormatError } from '../errors.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import { quoted } from './quoted.ts';

/** A Python dict: its keys and values in turn, in the order of writing. */
export class PickleDict {
  readonly items: unknown[] = [];

  /** The value of a key; of the last one where it was set twice, as in Python. */
  get(key: unknown): unknown {
    for (let i = this.items.length - 2; i >= 0; i -= 2) if (this.items[i] === key) return this.items[i + 1];
    return undefined;
  }
}

/** A Python list, tuple or set. */
export class PickleSequence {
  readonly kind: 'list' | 'tuple' | 'set';
  readonly items: unknown[];

  constructor(kind: PickleSequence['kind'], items: unknown[]) {
    this.kind = kind;
    this.items = items;
  }
}

/** Python bytes. No tensor is made of them, so that only their number is kept. */
export class PickleBytes {
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }
}

/** What a global name stands for. */
export interface PickleGlobal {
  /** `module.name`. */
  readonly path: string;
  /** What a call gives; without it there can be none. */
  readonly call?: (args: readonly unknown[], fail: Fail) => unknown;
}

/** Throws FormatError that names the place in the pickle. */
export type Fail = (what: string, facts?: ErrorFacts) => never;

/** What the pickle cannot know by itself. */
export interface PickleHost {
  /** By `module.name`; whatever is not in it is refused. */
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  /** The object that a persistent id stands for. */
  persistent(id: unknown, fail: Fail): unknown;
}

/** The pickle goes on behind the given bytes. */
export class PickleCutError extends FormatError {}

/** A tensor takes about 40 steps. More than this is no checkpoint. */
const MAX_STEPS = 2_000_000;
/**
 * A container takes a byte of a pickle and many times that in memory. Those of checkpoints hold something: there is no more than
 * one for so many bytes, besides a few.
 */
const BYTES_PER_CONTAINER = 8;
const FEW_CONTAINERS = 10_000;

/**
 * Reads the pickle that starts at `start`, and tells where it ends. None is null; integers beyond 2^53 are bigint.
 * `where` names the file in messages. Throws FormatError with the byte for whatever is not allowed or damaged, and
 * PickleCutError when the bytes end before the pickle does.
 */
export function readPickle(bytes: Uint8Array, start: number, host: PickleHost, where: string) {
  const machine = new PickleMachine(bytes, start, host, where);
  const value = machine.run();
  return { value, end: machine.at };
}

const opcode = (character: string) => character.charCodeAt(0);
const STOP = opcode('.');
const EMPTY_TUPLE = new PickleSequence('tuple', []);
const NOT_STORED = Symbol('never stored in the memo');

const STEPS: ReadonlyMap<number, (machine: PickleMachine) => void> = new Map([
  [0x80, m => m.protocol()],
  [0x95, m => m.frame()],
  [opcode('('), m => m.mark()],
  [opcode('0'), m => void m.pop()],
  [opcode('N'), m => m.push(null)],
  [0x88, m => m.push(true)],
  [0x89, m => m.push(false)],
  [opcode('J'), m => m.push(m.view.getInt32(m.take(4), true))],
  [opcode('K'), m => m.push(m.u8())],
  [opcode('M'), m => m.push(m.view.getUint16(m.take(2), true))],
  [0x8a, m => m.push(m.long(m.u8()))],
  [opcode('G'), m => m.push(m.view.getFloat64(m.take(8)))],
  [opcode('X'), m => m.push(m.text(m.u32()))],
  [opcode('T'), m => m.push(m.text(m.u32()))],
  [opcode('U'), m => m.push(m.text(m.u8()))],
  [0x8c, m => m.push(m.text(m.u8()))],
  [opcode('B'), m => m.push(new PickleBytes(m.raw(m.u32()).length))],
  [opcode('C'), m => m.push(new PickleBytes(m.raw(m.u8()).length))],
  [opcode('}'), m => m.contain(new PickleDict())],
  [opcode(']'), m => m.contain(new PickleSequence('list', []))],
  [0x8f, m => m.contain(new PickleSequence('set', []))],
  [opcode(')'), m => m.push(EMPTY_TUPLE)],
  [0x85, m => m.contain(new PickleSequence('tuple', m.popSome(1)))],
  [0x86, m => m.contain(new PickleSequence('tuple', m.popSome(2)))],
  [0x87, m => m.contain(new PickleSequence('tuple', m.popSome(3)))],
  [opcode('t'), m => m.contain(new PickleSequence('tuple', m.popMarked()))],
  [opcode('l'), m => m.contain(new PickleSequence('list', m.popMarked()))],
  [opcode('d'), m => m.dict(m.popMarked())],
  [opcode('a'), m => m.extend('list', m.popSome(1))],
  [opcode('e'), m => m.extend('list', m.popMarked())],
  [0x90, m => m.extend('set', m.popMarked())],
  [opcode('s'), m => m.set(m.popSome(2))],
  [opcode('u'), m => m.set(m.popMarked())],
  [opcode('q'), m => m.remember(m.u8())],
  [opcode('r'), m => m.remember(m.u32())],
  [0x94, m => m.remember(m.memo.length)],
  [opcode('h'), m => m.recall(m.u8())],
  [opcode('j'), m => m.recall(m.u32())],
  [opcode('c'), m => m.global(m.line(), m.line())],
  [0x93, m => m.stackGlobal()],
  [opcode('R'), m => m.reduce()],
  // A class's __new__ with arguments: of the names that are allowed, it does what a call does.
  [0x81, m => m.reduce()],
  [opcode('b'), m => m.build()],
  [opcode('Q'), m => m.contain(m.host.persistent(m.pop(), m.fail))],
]);

class PickleMachine {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly host: PickleHost;
  readonly memo: unknown[] = [];
  readonly fail: Fail;
  at: number;
  #containers = 0;
  readonly #where: string;
  readonly #stack: unknown[] = [];
  /** Heights of the stack, which no step may dig below but the one that takes the mark away. */
  readonly #marks: number[] = [];

  constructor(bytes: Uint8Array, start: number, host: PickleHost, where: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = start;
    this.host = host;
    this.#where = where;
    this.fail = (what, facts) => {
      throw new FormatError(what, { where: `${where}, byte ${this.at}`, ...facts });
    };
  }

  run(): unknown {
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const code = this.u8();
      if (code === STOP) return this.#result();
      const step = STEPS.get(code);
      if (!step) {
        const sign = code > 0x20 && code < 0x7f ? ` (${quoted(String.fromCharCode(code))})` : '';
        this.fail('opcode is not allowed in a checkpoint', { seen: `0x${code.toString(16).padStart(2, '0')}${sign}` });
      }
      step(this);
    }
    return this.fail('pickle is too long', { seen: `more than ${MAX_STEPS} opcodes` });
  }

  #result(): unknown {
    if (this.#stack.length !== 1 || this.#marks.length > 0) {
      this.fail('pickle ends with values left over', {
        seen: `${this.#stack.length} values and ${this.#marks.length} marks`,
        expected: 'one value',
      });
    }
    return this.#stack[0];
  }

  /** Skips bytes and tells where they began. */
  take(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) {
      throw new PickleCutError('pickle ends in the middle', {
        seen: `${this.bytes.length - start} bytes left`,
        expected: Number.isFinite(length) ? `${length} more` : 'the end of a line',
        where: `${this.#where}, byte ${start}`,
      });
    }
    this.at += length;
    return start;
  }
  u8 = () => this.bytes[this.take(1)]!;
  u32 = () => this.view.getUint32(this.take(4), true);
  raw(length: number): Uint8Array {
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }
  text(length: number): string {
    return decodeUtf8(this.raw(length), `${this.#where}, byte ${this.at}`);
  }
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    const line = this.text(end < 0 ? Number.POSITIVE_INFINITY : end - this.at);
    this.take(1);
    return line;
  }
  /** Two's complement, lowest byte first. */
  long(length: number): number | bigint {
    let value = 0n;
    for (const byte of this.raw(length).toReversed()) value = (value << 8n) | BigInt(byte);
    const signed = BigInt.asIntN(8 * length, value);
    return BigInt(Number.MIN_SAFE_INTEGER) <= signed && signed <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(signed)
      : signed;
  }

  protocol(): void {
    const version = this.u8();
    if (version < 2 || version > 5) this.fail('unknown pickle protocol', { seen: `${version}`, expected: '2 to 5' });
  }
  frame(): void {
    const length = this.view.getBigUint64(this.take(8), true);
    if (length > this.bytes.length - this.at) this.take(Number(length));
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }
  /** Pushes a new container, or what a persistent id stands for. */
  contain(value: unknown): void {
    const most = FEW_CONTAINERS + Math.floor(this.bytes.length / BYTES_PER_CONTAINER);
    if (++this.#containers > most) this.fail('pickle has too many containers', { expected: `at most ${most}` });
    this.push(value);
  }
  mark(): void {
    this.#marks.push(this.#stack.length);
  }
  pop(): unknown {
    return this.popSome(1)[0];
  }
  popSome(count: number): unknown[] {
    this.#need(count);
    return this.#stack.splice(-count);
  }
  popMarked(): unknown[] {
    const height = this.#marks.pop();
    return height === undefined ? this.fail('opcode needs a mark, and there is none') : this.#stack.splice(height);
  }
  #top(): unknown {
    this.#need(1);
    return this.#stack.at(-1);
  }
  #need(count: number): void {
    const there = this.#stack.length - (this.#marks.at(-1) ?? 0);
    if (there < count) this.fail('opcode needs more values than there are', { seen: `${there}`, expected: `${count}` });
  }

  remember(index: number): void {
    const top = this.#top();
    // Writers count, from 0 or from 1 on.
    if (index > this.memo.length + 1)
      this.fail('memo of a pickle is not numbered in order', { seen: `${index}`, expected: `${this.memo.length}` });
    if (index === this.memo.length + 1) this.memo.push(NOT_STORED);
    this.memo[index] = top;
  }
  recall(index: number): void {
    if (index >= this.memo.length || this.memo[index] === NOT_STORED)
      this.fail('value was never stored in the memo', { seen: `index ${index}` });
    this.push(this.memo[index]);
  }

  extend(kind: 'list' | 'set', items: readonly unknown[]): void {
    const target = this.#top();
    if (!(target instanceof PickleSequence) || target.kind !== kind)
      this.fail(`opcode extends a ${kind}`, { seen: kindOf(target) });
    for (const item of items) target.items.push(item);
  }
  set(items: readonly unknown[]): void {
    const target = this.#top();
    if (!(target instanceof PickleDict)) this.fail('opcode sets entries of a dict', { seen: kindOf(target) });
    this.#setItems(target, items);
  }
  dict(items: readonly unknown[]): void {
    const dict = new PickleDict();
    this.#setItems(dict, items);
    this.contain(dict);
  }
  #setItems(target: PickleDict, items: readonly unknown[]): void {
    if (items.length % 2 !== 0) this.fail('key without a value', { seen: `${items.length} keys and values` });
    for (const item of items) target.items.push(item);
  }

  stackGlobal(): void {
    const [module, name] = this.popSome(2);
    if (typeof module !== 'string' || typeof name !== 'string') {
      this.fail('global is not named by text', { seen: `${kindOf(module)} and ${kindOf(name)}` });
    }
    this.global(module, name);
  }
  global(module: string, name: string): void {
    const found = this.host.globals.get(`${module}.${name}`);
    // A dot in the name would reach into what a module imports.
    if (!found || name.includes('.')) {
      this.fail('pickle asks for something that is not on the list of what a checkpoint may hold', {
        seen: quoted(`${module}.${name}`),
        expected: 'tensors, numbers, text and plain containers',
        fix: 'if the file comes from someone you trust, save only its state dict, best as safetensors',
      });
    }
    this.push(found);
  }
  reduce(): void {
    const [callee, args] = this.popSome(2);
    const { call, path } = isGlobal(callee) ? callee : ({} as Partial<PickleGlobal>);
    if (!call) this.fail('pickle calls something that is no function', { seen: path ?? kindOf(callee) });
    if (!(args instanceof PickleSequence) || args.kind !== 'tuple') {
      this.fail(`arguments of ${path} are no tuple`, { seen: kindOf(args) });
    }
    this.push(call(args.items, this.fail));
  }
  /** Attributes set on a dict are its `_metadata`, which tells versions of modules and is not needed. */
  build(): void {
    this.pop();
    const target = this.#top();
    if (!(target instanceof PickleDict))
      this.fail('pickle sets attributes of something', { seen: kindOf(target), expected: 'a dict' });
  }
}

const isGlobal = (value: unknown): value is PickleGlobal =>
  typeof value === 'object' && value !== null && 'path' in value && typeof value.path === 'string';

/** What a value of a pickle is, for messages. */
export function kindOf(value: unknown): string {
  if (value === null) return 'None';
  if (value === undefined) return 'nothing';
  if (value instanceof PickleDict) return `a dict of ${value.items.length / 2}`;
  if (value instanceof PickleSequence) return `a ${value.kind} of ${value.items.length}`;
  if (value instanceof PickleBytes) return `${value.length} bytes`;
  if (isGlobal(value)) return value.path;
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'object' ? 'a tensor or a storage' : cutNumber(value);
}

/** An integer of a pickle may have hundreds of digits. */
const cutNumber = (value: unknown) => (typeof value === 'bigint' ? 'an integer beyond 2^53' : String(value));
