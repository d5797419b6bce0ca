/**
 * A small WebAssembly assembler: functions made of instructions (`instructions.ts`), and the module around them.
 */
import { type Code, Local, section, sized, TYPE_CODE, text, uleb, type ValueType, vector, write } from './encoding.ts';
import { i32 } from './instructions.ts';

export { type Code, Local, type ValueType } from './encoding.ts';
export * from './instructions.ts';

/** As many locals as the number says, if it is a literal. */
export type Locals<N extends number> = N extends unknown ? (number extends N ? Local[] : Tuple<N>) : never;
type Tuple<N extends number, T extends Local[] = []> = T['length'] extends N ? T : Tuple<N, [...T, Local]>;

/** A function under construction: `params` are locals too; `local()` declares more. */
export class Func<P extends readonly ValueType[] = readonly ValueType[]> {
  readonly name: string;
  readonly params: { readonly [K in keyof P]: Local };
  readonly results: readonly ValueType[];
  readonly #locals: ValueType[] = [];
  readonly #start: Uint8Array[] = [];
  #code: Code[] = [];
  /** Index in the module's function space; set by `ModuleBuilder`. */
  index = -1;

  constructor(name: string, params: P, results: readonly ValueType[] = []) {
    this.name = name;
    this.params = params.map((type, i) => new Local(i, type)) as { readonly [K in keyof P]: Local };
    this.results = results;
  }
  local(type: ValueType): Local {
    this.#locals.push(type);
    return new Local(this.params.length + this.#locals.length - 1, type);
  }
  i32s<N extends number>(n: N): Locals<N> {
    return Array.from({ length: n }, () => this.local('i32')) as Locals<N>;
  }
  v128s<N extends number>(n: N): Locals<N> {
    return Array.from({ length: n }, () => this.local('v128')) as Locals<N>;
  }
  emit(...code: Code[]): this {
    this.#code.push(...code);
    return this;
  }
  /** Like `emit`, but ahead of everything that was or will be emitted: for constants. */
  emitFirst(...code: Code[]): this {
    this.#start.push(write(code));
    return this;
  }
  /** Turns the instructions so far into bytes, so that their trees can go. */
  compact(): void {
    if (this.#code.length !== 1 || !(this.#code[0] instanceof Uint8Array)) this.#code = [write(this.#code)];
  }
  signature(): Code {
    const types = (list: readonly ValueType[]) => vector(list.map(type => TYPE_CODE[type]));
    return [0x60, types(this.params.map(p => p.type)), types(this.results)];
  }
  body(): Code {
    const runs: [number, ValueType][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last && last[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    return sized([vector(runs.map(([n, type]) => [uleb(n), TYPE_CODE[type]])), this.#start, this.#code, 0x0b]);
  }
}
/** Calls a function that is already part of the module. */
export const call = (f: Func, ...args: Code[]): Code => [args, 0x10, uleb(f.index)];

/** Collects functions and writes the module. Imports come first, so declare them before any function. */
export class ModuleBuilder {
  readonly #imports: Func[] = [];
  readonly #functions: Func[] = [];
  readonly #table: Func[] = [];
  readonly #exported = new Set<Func>();
  #exportsTable = false;

  import(name: string, params: readonly ValueType[], results: readonly ValueType[] = []): Func {
    if (this.#functions.length) throw new Error('imports come before functions');
    const f = new Func(name, params, results);
    f.index = this.#imports.push(f) - 1;
    return f;
  }
  /** Adds a function (its body may still be emitted afterwards) and returns it. */
  add<F extends Func>(f: F): F {
    f.index = this.#imports.length + this.#functions.push(f) - 1;
    return f;
  }
  func<const P extends readonly ValueType[]>(name: string, params: P, results: readonly ValueType[] = []): Func<P> {
    return this.add(new Func(name, params, results));
  }
  export(f: Func): Func {
    this.#exported.add(f);
    return f;
  }
  /** Exports the table as `table`, so that functions of other modules can be added. */
  exportTable(): void {
    this.#exportsTable = true;
  }
  /** Functions in the table. */
  get tableSize(): number {
    return this.#table.length;
  }
  /** Turns all finished functions into bytes; see `Func.compact`. */
  compact(): void {
    for (const f of this.#functions) f.compact();
  }
  /** Puts a function into the table for `callTable`; returns its table index. */
  tableIndex(f: Func): number {
    const known = this.#table.indexOf(f);
    return known >= 0 ? known : this.#table.push(f) - 1;
  }
  /** An indirect call through the table; `like` gives the signature. */
  callTable(like: Func, index: Code, ...args: Code[]): Code {
    return [args, index, 0x11, uleb(like.index), 0];
  }
  /**
   * @param memory pages of 64 KiB; `shared` needs a maximum. Imported as `env.memory`; other imports as `env.<name>`.
   * @param bank with a second memory of the same kind, `env.bank`
   */
  bytes(memory: { shared: boolean; initial: number; maximum: number }, bank = false): Uint8Array<ArrayBuffer> {
    const all = [...this.#imports, ...this.#functions];
    const limits = [memory.shared ? 3 : 1, uleb(memory.initial), uleb(memory.maximum)];
    const index = (f: Func) => uleb(f.index);
    return write([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, vector(all.map(f => f.signature()))),
      section(
        2,
        vector([
          ...(bank ? ['memory', 'bank'] : ['memory']).map(name => [text('env'), text(name), 2, limits]),
          ...this.#imports.map(f => [text('env'), text(f.name), 0, index(f)]),
        ]),
      ),
      section(3, vector(this.#functions.map(index))),
      this.#table.length ? section(4, vector([[0x70, 0, uleb(this.#table.length)]])) : [],
      section(
        7,
        vector([
          ...[...this.#exported].map(f => [text(f.name), 0, index(f)]),
          ...(this.#exportsTable ? [[text('table'), 1, 0]] : []),
        ]),
      ),
      this.#table.length ? section(9, vector([[0, i32.const(0), 0x0b, vector(this.#table.map(index))]])) : [],
      section(10, vector(this.#functions.map(f => f.body()))),
    ]);
  }
}
