/**
 * Which tokens a constraint allows in a state, and how many tokens its shortest end is away. The tokens of a vocabulary are walked
 * as a tree, together with the states, when a state is entered for the first time; from then on a step costs the application of
 * a mask (Dong et al. 2024, "XGrammar"; Willard and Louf 2023 for regular languages).
 *
 * The way to the end: the shortest text, of equal ones the first in the order of bytes, cut into the fewest tokens. Its rest is
 * the way of the states along it, so following it never takes more tokens than were promised.
 */
import { ConfigError } from '../../errors.ts';
import { type CodePoints, intersection } from './code-points.ts';
import { Kept } from './kept.ts';
import { type Language, within } from './language.ts';
import { Relaxer } from './relaxed-states.ts';
import { type State, StateMachine } from './states.ts';
import { SHORT, type TokenTable, type TokenTexts } from './token-texts.ts';
import type { TokenTrie } from './token-trie.ts';

/** Where a text stands. */
export interface Position {
  readonly state: State;
  /** Whether the next token is the first that has text. */
  readonly first: boolean;
}

/** The short tokens of a state: a list of those allowed, or where they are many the bits of those forbidden. */
interface ShortMask {
  readonly allowed: Int32Array | undefined;
  readonly forbidden: Int32Array | undefined;
  /** The farthest end behind one of them, in bytes. */
  readonly farthest: number;
}

interface StateMask {
  /** The state that has the same short tokens. */
  readonly relaxed: State;
  /** Allowed tokens of more bytes. */
  readonly long: Int32Array;
  /** The farthest end behind any token, in bytes. */
  readonly farthest: number;
}

/** Bytes of masks of each kind that are kept. */
const KEPT_BYTES = 64 * 2 ** 20;
/** Distances beyond this are counted in bytes, not in tokens. */
const COUNTED_IN_TOKENS = 4096;
const FORBIDDEN = 0xffff;

export class TokenMasks {
  readonly machine: StateMachine;
  readonly #language: Language;
  readonly #relaxer: Relaxer;
  readonly #texts: TokenTexts;
  readonly #ends: ReadonlySet<number>;
  readonly #shortMasks: Kept<State, ShortMask>;
  readonly #masks: Kept<State, StateMask>;
  readonly #needs: Record<'first' | 'later', Kept<State, Uint16Array>>;
  readonly #distances = new Map<State, number>();

  /** @param endIds ids that end a sequence: they have no text. @throws ConfigError as `StateMachine` does */
  constructor(language: Language, texts: TokenTexts, endIds: readonly number[]) {
    this.#language = language;
    this.machine = new StateMachine(language, texts.alphabet);
    this.#relaxer = new Relaxer(this.machine);
    this.#texts = texts;
    this.#ends = new Set(endIds);
    this.#shortMasks = new Kept(KEPT_BYTES, (mask: ShortMask) => (mask.allowed ?? mask.forbidden)?.byteLength ?? 0);
    this.#masks = new Kept(KEPT_BYTES, (mask: StateMask) => mask.long.byteLength);
    const needs = () => new Kept<State, Uint16Array>(KEPT_BYTES, list => list.byteLength);
    this.#needs = { first: needs(), later: needs() };
  }

  /** Where the output stands behind a prompt. @throws ConfigError when the tokenizer can write no text of the language */
  start(prompt: readonly number[]): Position {
    const { start } = this.machine;
    if (!start) {
      const missing = unwritable(this.#language, this.#texts.alphabet);
      throw new ConfigError('no text meets the constraint, or this tokenizer cannot write it', {
        ...(missing.length > 0 && {
          seen: `no token for ${missing.map(char => JSON.stringify(char)).join(', ')} alone`,
        }),
        fix: 'check the constraint for contradictions, or use a model with a byte-level vocabulary',
        where: 'constraint',
      });
    }
    return { state: start, first: this.#texts.startsWith(prompt) };
  }

  /** The position behind a token; undefined for one that the constraint does not allow. Tokens without text change nothing. */
  advance(position: Position, id: number): Position | undefined {
    if (this.#ends.has(id)) return position;
    const text = this.#tableOf(position).texts[id];
    if (!text) return text === '' ? position : undefined;
    let state: State | null = position.state;
    for (let i = 0; i < text.length && state; i++) {
      state = this.machine.step(state, this.machine.classOf[text.charCodeAt(i)]!);
    }
    return state ? { state, first: false } : undefined;
  }

  /** Whether nothing can follow: the text is complete. */
  isComplete({ state }: Position): boolean {
    if (!state.accepts) return false;
    return this.machine.bytes.every((_, byteClass) => this.machine.step(state, byteClass) === null);
  }

  /** Tokens that the shortest way from a position to an end takes; infinite if this vocabulary has none. */
  distance(position: Position): number {
    if (position.state.accepts) return 0;
    if (!position.first) return this.#distance(position.state);
    const least = this.#needsOf(position).reduce((min, need) => Math.min(min, need), FORBIDDEN);
    return least === FORBIDDEN ? Number.POSITIVE_INFINITY : 1 + least;
  }

  /**
   * Removes the scores of tokens that the constraint does not allow, and of those behind which no end is within reach.
   * @param remaining tokens that may still be generated, this one included
   */
  apply(scores: Float32Array, position: Position, remaining: number): void {
    const ends = [...this.#ends].map(id => [id, scores[id]!] as const);
    const mask = position.first ? undefined : this.#maskOf(position.state);
    if (mask && mask.farthest < remaining) applyMask(scores, this.#shortMaskOf(mask.relaxed), mask.long);
    else {
      const needs = this.#needsOf(position);
      const most = Math.min(remaining - 1, FORBIDDEN - 1);
      for (let id = 0; id < scores.length; id++) if (!(needs[id]! <= most)) scores[id] = Number.NEGATIVE_INFINITY;
    }
    for (const [id, score] of ends) scores[id] = position.state.accepts ? score : Number.NEGATIVE_INFINITY;
  }

  #tableOf({ first }: Position): TokenTable {
    return first ? this.#texts.first : this.#texts.later;
  }

  #maskOf(state: State): StateMask {
    return this.#masks.get(state, () => {
      const relaxed = this.#relaxer.relax(state, SHORT);
      const long: number[] = [];
      let farthest = this.#shortMaskOf(relaxed.state).farthest + relaxed.dropped;
      this.#walk(this.#texts.later.long, state, (id, next) => {
        long.push(id);
        farthest = Math.max(farthest, next.least);
      });
      return { relaxed: relaxed.state, farthest, long: Int32Array.from(long) };
    });
  }

  #shortMaskOf(state: State): ShortMask {
    return this.#shortMasks.get(state, () => this.#shortMask(state));
  }
  #shortMask(state: State): ShortMask {
    const { vocabSize } = this.#texts;
    const ids: number[] = [];
    let farthest = 0;
    this.#walk(this.#texts.later.short, state, (id, next) => {
      ids.push(id);
      if (next.least > farthest) farthest = next.least;
    });
    if (ids.length <= vocabSize / 64) return { allowed: Int32Array.from(ids), forbidden: undefined, farthest };
    const forbidden = new Int32Array((vocabSize + 31) >> 5).fill(-1);
    for (const id of ids) forbidden[id >> 5]! &= ~(1 << (id & 31));
    return { allowed: undefined, forbidden, farthest };
  }

  /** By id: tokens that are needed behind it. */
  #needsOf(position: Position): Uint16Array {
    const { short, long } = this.#tableOf(position);
    return this.#needs[position.first ? 'first' : 'later'].get(position.state, () => {
      const needs = new Uint16Array(this.#texts.vocabSize).fill(FORBIDDEN);
      for (const trie of [short, long])
        this.#walk(trie, position.state, (id, next) => {
          if (!this.#ends.has(id)) needs[id] = Math.min(FORBIDDEN, this.#distance(next));
        });
      return needs;
    });
  }

  #walk(trie: TokenTrie, from: State, visit: (id: number, next: State) => void): void {
    const { bytes, depths, skips, firstToken, tokens } = trie;
    const { machine } = this;
    const { classOf } = machine;
    const path: State[] = [from];
    for (let node = 0; node < bytes.length; ) {
      const depth = depths[node]!;
      const next = machine.step(path[depth - 1]!, classOf[bytes[node]!]!);
      if (next === null) {
        node = skips[node]!;
        continue;
      }
      path[depth] = next;
      const end = firstToken[node + 1]!;
      for (let at = firstToken[node]!; at < end; at++) visit(tokens[at]!, next);
      node++;
    }
  }

  #distance(from: State): number {
    const known = this.#distances.get(from);
    if (known !== undefined) return known;
    if (from.least > COUNTED_IN_TOKENS) return from.least;
    const states = [from];
    let text = '';
    for (let way = this.machine.shortestByte(from); way; way = this.machine.shortestByte(way.next)) {
      text += String.fromCharCode(way.byte);
      states.push(way.next);
    }
    const distances = new Float64Array(states.length);
    for (let at = states.length - 2; at >= 0; at--) {
      let best = Number.POSITIVE_INFINITY;
      for (const end of this.#tokensAlong(text, at)) best = Math.min(best, 1 + distances[end]!);
      distances[at] = best;
    }
    states.forEach((state, at) => {
      this.#distances.set(state, distances[at]!);
    });
    return distances[0]!;
  }

  /** Where the short tokens end that begin at a place of a text. */
  *#tokensAlong(text: string, from: number): Generator<number> {
    const { bytes, depths, skips, firstToken, tokens } = this.#texts.later.short;
    let node = 0;
    for (let at = from; at < text.length; at++) {
      const depth = at - from + 1;
      while (node < bytes.length && depths[node] === depth && bytes[node]! < text.charCodeAt(at)) node = skips[node]!;
      if (node >= bytes.length || depths[node] !== depth || bytes[node] !== text.charCodeAt(at)) return;
      for (let i = firstToken[node]!; i < firstToken[node + 1]!; i++)
        if (!this.#ends.has(tokens[i]!)) {
          yield at + 1;
          break;
        }
      node++;
    }
  }
}

function applyMask(scores: Float32Array, { allowed, forbidden }: ShortMask, long: Int32Array): void {
  const keptLong = Float32Array.from(long, id => scores[id]!);
  if (allowed) {
    const kept = Float32Array.from(allowed, id => scores[id]!);
    scores.fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < allowed.length; i++) scores[allowed[i]!] = kept[i]!;
  } else if (forbidden) {
    for (let word = 0; word < forbidden.length; word++)
      for (let bits = forbidden[word]!; bits !== 0; bits &= bits - 1)
        scores[(word << 5) + 31 - Math.clz32(bits & -bits)] = Number.NEGATIVE_INFINITY;
  }
  for (let i = 0; i < long.length; i++) scores[long[i]!] = keptLong[i]!;
}

/** The first single characters that a language asks for and an alphabet lacks. */
function unwritable({ root, rules }: Language, alphabet: CodePoints | undefined): string[] {
  if (!alphabet) return [];
  const missing = new Set<string>();
  for (const expression of within([root, ...rules.values()])) {
    if (expression.kind !== 'character') continue;
    const [low, high] = expression.set;
    const isOne = low !== undefined && low === high && expression.set.length === 2;
    if (isOne && intersection(expression.set, alphabet).length === 0) missing.add(String.fromCodePoint(low));
    if (missing.size === 10) break;
  }
  return [...missing];
}
