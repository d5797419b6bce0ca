/**
 * Regular expressions of files on texts of any length: a backtracking matcher that remembers from which steps and places no match
 * follows, also from one beginning to the next, so that the time is linear in the text (the idea of packrat parsing and of RE2's
 * BitState, there within one attempt). Finds what the engine's own matcher finds; that one may take quadratic time.
 */

/** The form of a pattern, of what is safe. Sources are those of the engine, with the flag v. */
export type RegexNode =
  | { readonly kind: 'character'; readonly source: string }
  /** Reads nothing, and looks at a bounded number of characters. */
  | { readonly kind: 'test'; readonly source: string }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly RegexNode[] }
  | {
      readonly kind: 'repeat';
      readonly part: RegexNode;
      readonly least: number;
      readonly most: number;
      readonly how: 'greedy' | 'lazy' | 'possessive';
    }
  /** What the matcher has no linear way for. */
  | { readonly kind: 'other' };

/** One step and the next one; -1 = the match is complete. */
type Step =
  | { readonly kind: 'character' | 'run'; readonly reads: CharacterTest; readonly next: number }
  | { readonly kind: 'test'; readonly regex: RegExp; readonly next: number }
  /** Goes on with `first`, and if that fails with `second`; the number of the choice. */
  | { readonly kind: 'split'; first: number; second: number; readonly split: number };

/** The end of a character of a class at a place, or -1. */
type CharacterTest = (text: string, at: number) => number;

/** Each may be taken at each place of a text. */
const MOST_STEPS = 256;
/** What is remembered about a text, in bits. */
const MOST_BITS = 2 ** 31;

/** A pattern as steps. */
export class RegexProgram {
  readonly #steps: readonly Step[];
  readonly #start: number;
  readonly #splits: number;

  private constructor(steps: readonly Step[], start: number, splits: number) {
    this.#steps = steps;
    this.#start = start;
    this.#splits = splits;
  }

  /** The steps of a pattern, or undefined for one that the matcher cannot serve in linear time. */
  static of(node: RegexNode): RegexProgram | undefined {
    const compiler = new Compiler();
    const start = compiler.compile(node, -1);
    return start === undefined ? undefined : new RegexProgram(compiler.steps, start, compiler.splits);
  }

  /** Code units of the longest text. */
  get longest(): number {
    return this.#splits === 0 ? Number.POSITIVE_INFINITY : Math.floor(MOST_BITS / this.#splits) - 1;
  }

  /** The matches in a text, in order, empty ones left out. */
  *matches(text: string): Generator<[start: number, end: number]> {
    const failed = new Uint8Array(Math.ceil((this.#splits * (text.length + 1)) / 8));
    for (let at = 0; at < text.length; ) {
      const end = this.#match(text, at, failed);
      if (end > at) yield [at, end];
      at = end > at ? end : at + (text.codePointAt(at)! > 0xffff ? 2 : 1);
    }
  }

  /** The end of the match at a place, or -1. */
  #match(text: string, from: number, failed: Uint8Array): number {
    const steps = this.#steps;
    const width = text.length + 1;
    /** Splits that were gone into, as `[split step, place, 1 = its second way is open]`. */
    const stack: number[] = [];
    let step = this.#start;
    for (let at = from; step >= 0; ) {
      const now = steps[step]!;
      let fits = true;
      if (now.kind === 'split') {
        const bit = now.split * width + at;
        if (failed[bit >>> 3]! & (1 << (bit & 7))) fits = false;
        else {
          stack.push(step, at, 1);
          step = now.first;
        }
      } else if (now.kind === 'test') {
        now.regex.lastIndex = at;
        fits = now.regex.test(text);
        step = now.next;
      } else {
        const end = now.reads(text, at);
        fits = end >= 0;
        at = end;
        step = now.next;
      }
      while (!fits) {
        if (stack.length === 0) return -1;
        const open = stack.length - 1;
        const split = steps[stack[open - 2]!]!;
        if (split.kind !== 'split') return -1;
        at = stack[open - 1]!;
        if (stack[open] === 1) {
          stack[open] = 0;
          step = split.second;
          fits = true;
        } else {
          const bit = split.split * width + at;
          failed[bit >>> 3]! |= 1 << (bit & 7);
          stack.length -= 3;
        }
      }
      if (step < 0) return at;
    }
    return from;
  }
}

class Compiler {
  readonly steps: Step[] = [];
  splits = 0;
  readonly #classes = new Map<string, CharacterTest>();

  /** Adds the steps of a part that goes on with `next`; gives the first one. */
  compile(node: RegexNode, next: number): number | undefined {
    if (this.steps.length > MOST_STEPS || node.kind === 'other') return undefined;
    if (node.kind === 'character') return this.#add({ kind: 'character', reads: this.#classOf(node.source), next });
    if (node.kind === 'test') return this.#add({ kind: 'test', regex: new RegExp(node.source, 'vy'), next });
    if (node.kind === 'repeat') return this.#repeat(node, next);
    let first: number | undefined = node.kind === 'sequence' ? next : undefined;
    for (const part of node.parts.toReversed()) {
      if (node.kind === 'sequence') first = this.compile(part, first!);
      else {
        const option = this.compile(part, next);
        if (option === undefined) return undefined;
        first = first === undefined ? option : this.#split(option, first);
      }
      if (first === undefined) return undefined;
    }
    return first;
  }

  #repeat({ part, least, most, how }: RegexNode & { kind: 'repeat' }, next: number): number | undefined {
    if (how === 'possessive') {
      if (part.kind !== 'character') return undefined;
      const reads = runOf(this.#classOf(part.source), least, most);
      return this.#add({ kind: 'run', reads, next });
    }
    // A part that reads nothing could be repeated for ever.
    if (mayBeEmpty(part)) return undefined;
    const split = (onward: number, out: number) =>
      how === 'greedy' ? this.#split(onward, out) : this.#split(out, onward);
    let first: number | undefined = next;
    if (most === Number.POSITIVE_INFINITY) {
      const loop = this.#split(next, next);
      const body = this.compile(part, loop);
      const step = this.steps[loop]!;
      if (body === undefined || step.kind !== 'split') return undefined;
      if (how === 'greedy') step.first = body;
      else step.second = body;
      first = loop;
    } else {
      for (let i = least; i < most && first !== undefined; i++) {
        const onward = this.compile(part, first);
        first = onward === undefined ? undefined : split(onward, next);
      }
    }
    for (let i = 0; i < least && first !== undefined; i++) first = this.compile(part, first);
    return first;
  }

  #add(step: Step): number {
    this.steps.push(step);
    return this.steps.length - 1;
  }
  #split(first: number, second: number): number {
    return this.#add({ kind: 'split', first, second, split: this.splits++ });
  }
  #classOf(source: string): CharacterTest {
    let test = this.#classes.get(source);
    if (!test) this.#classes.set(source, (test = characterTest(source)));
    return test;
  }
}

function mayBeEmpty(node: RegexNode): boolean {
  if (node.kind === 'sequence') return node.parts.every(mayBeEmpty);
  if (node.kind === 'choice') return node.parts.some(mayBeEmpty);
  if (node.kind === 'repeat') return node.least === 0 || mayBeEmpty(node.part);
  return node.kind !== 'character';
}

/** Whether a character is of a class; asked once for each one of the basic plane. */
function characterTest(source: string): CharacterTest {
  const regex = new RegExp(source, 'vy');
  /** 0 = not asked yet, 1 = no, 2 = yes. */
  const known = new Uint8Array(0x10000);
  return (text, at) => {
    if (at >= text.length) return -1;
    const unit = text.charCodeAt(at);
    const width = text.codePointAt(at)! > 0xffff ? 2 : 1;
    let answer = width === 1 ? known[unit]! : 0;
    if (answer === 0) {
      regex.lastIndex = at;
      answer = regex.test(text) ? 2 : 1;
      if (width === 1) known[unit] = answer;
    }
    return answer === 2 ? at + width : -1;
  };
}

/**
 * The end of a run of `least` to `most` characters of a class, or -1. Where the run began that was read last, and where it ended, is
 * remembered: from inside it an unbounded one has the same end.
 */
function runOf(reads: CharacterTest, least: number, most: number): CharacterTest {
  let latest = '';
  let from = 0;
  let to = 0;
  return (text, at) => {
    const inside = text === latest && at >= from && at < to;
    const enough = inside && most === Number.POSITIVE_INFINITY ? least : most;
    let end = at;
    let count = 0;
    for (let next = reads(text, end); next >= 0 && count < enough; next = reads(text, end)) {
      end = next;
      count++;
    }
    if (count < least) return -1;
    if (most !== Number.POSITIVE_INFINITY) return end;
    if (inside) return to;
    [latest, from, to] = [text, at, end];
    return end;
  };
}
