/**
 * All ways to cut a text into pieces, with the sums and the best paths over them: Kudo 2018. The order in which numbers are
 * added and ties are broken is that of huggingface/tokenizers models/unigram/lattice.rs, which is SentencePiece's.
 */
import { widthAt } from '../offsets.ts';
import { Trie } from '../trie.ts';

/** Arrays of the numbers that a trainer computes with, and rounding to such a number. */
export interface Precision {
  readonly array: (length: number) => Float32Array | Float64Array;
  readonly round: (x: number) => number;
}

export const DOUBLE: Precision = { array: length => new Float64Array(length), round: x => x };
export const SINGLE: Precision = { array: length => new Float32Array(length), round: Math.fround };

/** How much less likely an unknown character is than the least likely piece. */
const UNKNOWN_PENALTY = 10;
/** Above this difference the smaller one of two logarithms does not change their sum. */
const NEGLIGIBLE = 50;

const NO_NODE = -1;
const BEGIN = -2;
const FINISH = -3;

function logSum(x: number, y: number): number {
  const least = Math.min(x, y);
  const most = Math.max(x, y);
  return most > least + NEGLIGIBLE ? most : most + Math.log(Math.exp(least - most) + 1);
}

/** A path that is being continued towards the beginning of the text. */
interface Hypothesis {
  readonly node: number;
  readonly next: Hypothesis | undefined;
  /** Score of the best whole path that ends like this. */
  readonly estimate: number;
  /** Score of what it has. */
  readonly score: number;
}

/** A lattice over the pieces of a model; it is filled with one text after the other. */
export class UnigramLattice {
  readonly #precision: Precision;
  readonly #trie: Trie;
  readonly #pieceScores: Float32Array | Float64Array;
  readonly #unknownId: number;
  readonly #unknownScore: number;
  #length = 0;
  /** Nodes by where they begin, shorter ones first. */
  #nodes = 0;
  #begins = new Int32Array(64);
  #ends = new Int32Array(64);
  #ids = new Int32Array(64);
  #scores: Float32Array | Float64Array;
  /** The first node at each position; the nodes of position p are `[#first[p], #first[p + 1])`. */
  #first = new Int32Array(64);
  /** Nodes that end at a position, in the order of the nodes: the first and last one, and the next for each node. */
  #endFirst = new Int32Array(64);
  #endLast = new Int32Array(64);
  #endNext = new Int32Array(64);
  /** Sums over the paths that lead to a position, and over those that lead from it to the end. */
  #to: Float32Array | Float64Array;
  #from: Float32Array | Float64Array;
  /** Score of the best path up to the end of a node, and the node before it. */
  #bestScores: Float32Array | Float64Array;
  #previous = new Int32Array(64);

  /** `unknownId`: the id that a character without a piece counts under. */
  constructor(pieces: readonly string[], scores: Float32Array | Float64Array, unknownId: number, precision: Precision) {
    this.#precision = precision;
    this.#unknownId = unknownId;
    this.#pieceScores = scores;
    this.#trie = new Trie(pieces);
    let least = Number.POSITIVE_INFINITY;
    for (const score of scores) if (score < least) least = score;
    this.#unknownScore = precision.round(least - UNKNOWN_PENALTY);
    this.#scores = precision.array(64);
    this.#to = precision.array(64);
    this.#from = precision.array(64);
    this.#bestScores = precision.array(64);
  }

  /** Makes the lattice of a text. */
  fill(text: string): void {
    this.#reserve(text.length);
    this.#length = text.length;
    this.#nodes = 0;
    const first = this.#first;
    for (let at = 0; at < text.length; ) {
      const width = widthAt(text, at);
      first[at] = this.#nodes;
      let single = false;
      let node = Trie.ROOT;
      for (let end = at; end < text.length; ) {
        node = this.#trie.child(node, text.charCodeAt(end++));
        if (node === 0) break;
        const id = this.#trie.value(node);
        if (id < 0) continue;
        this.#add(at, end, id, this.#pieceScores[id]!);
        if (end === at + width) single = true;
      }
      if (!single) this.#add(at, at + width, this.#unknownId, this.#unknownScore);
      if (width === 2) first[at + 1] = this.#nodes;
      at += width;
    }
    first[text.length] = this.#nodes;
  }

  /** Adds `count` times the probability that a piece is used to `expected`, for every piece. */
  addExpected(count: number, expected: Float32Array | Float64Array): void {
    const { round } = this.#precision;
    const [to, from, begins, ends] = [this.#to, this.#from, this.#begins, this.#ends];
    const [ids, scores, first] = [this.#ids, this.#scores, this.#first];
    const length = this.#length;
    to.fill(Number.NaN, 0, length + 1);
    from.fill(Number.NaN, 0, length + 1);
    to[0] = 0;
    from[length] = 0;
    for (let node = 0; node < this.#nodes; node++) {
      const end = ends[node]!;
      const path = round(scores[node]! + to[begins[node]!]!);
      const sum = to[end]!;
      // NaN: the first path that leads here.
      to[end] = Number.isNaN(sum) ? path : logSum(sum, path);
    }
    for (let at = length - 1; at >= 0; at--)
      for (let node = first[at]!; node < first[at + 1]!; node++) {
        const path = round(scores[node]! + from[ends[node]!]!);
        const sum = from[at]!;
        from[at] = Number.isNaN(sum) ? path : logSum(sum, path);
      }
    const all = to[length]!;
    for (let node = 0; node < this.#nodes; node++) {
      const path = round(round(to[begins[node]!]! + scores[node]!) + from[ends[node]!]!);
      expected[ids[node]!]! += count * Math.exp(round(path - all));
    }
  }

  /** The pieces of the best path. */
  best(): number[] {
    let node = this.#findBest();
    const ids: number[] = [];
    for (; node !== BEGIN; node = this.#previous[node]!) ids.push(this.#ids[node]!);
    return ids.reverse();
  }

  /** The pieces of the two best paths; of one if there is only one. */
  twoBest(): number[][] {
    const { round } = this.#precision;
    const found: number[][] = [];
    this.#findBest();
    const agenda = new Agenda();
    agenda.push({ node: FINISH, next: undefined, estimate: 0, score: 0 });
    for (let top = agenda.pop(); top; top = agenda.pop()) {
      if (top.node === BEGIN) {
        const ids: number[] = [];
        for (let at = top.next!; at.node !== FINISH; at = at.next!) ids.push(this.#ids[at.node]!);
        found.push(ids);
        if (found.length === 2) break;
        continue;
      }
      const position = top.node === FINISH ? this.#length : this.#begins[top.node]!;
      if (position === 0) {
        agenda.push({ node: BEGIN, next: top, estimate: top.score, score: top.score });
        continue;
      }
      for (let node = this.#endFirst[position]!; node !== NO_NODE; node = this.#endNext[node]!)
        agenda.push({
          node,
          next: top,
          estimate: round(this.#bestScores[node]! + top.score),
          score: round(this.#scores[node]! + top.score),
        });
    }
    return found;
  }

  /** Fills in the best paths; gives the last node of the best one, BEGIN for an empty text. */
  #findBest(): number {
    const { round } = this.#precision;
    const [endFirst, endLast, endNext, bestScores] = [this.#endFirst, this.#endLast, this.#endNext, this.#bestScores];
    endFirst.fill(NO_NODE, 0, this.#length + 1);
    for (let node = 0; node < this.#nodes; node++) {
      const begin = this.#begins[node]!;
      const end = this.#ends[node]!;
      const score = this.#scores[node]!;
      let best = begin === 0 ? round(score) : Number.NEGATIVE_INFINITY;
      let previous = BEGIN;
      if (begin > 0)
        for (let left = endFirst[begin]!; left !== NO_NODE; left = endNext[left]!) {
          // Added up before they are compared, as in the reference: sums can be equal where their parts are not.
          const sum = round(bestScores[left]! + score);
          if (sum > best || previous === BEGIN) [best, previous] = [sum, left];
        }
      bestScores[node] = best;
      this.#previous[node] = previous;
      if (endFirst[end] === NO_NODE) endFirst[end] = node;
      else endNext[endLast[end]!] = node;
      endLast[end] = node;
      endNext[node] = NO_NODE;
    }
    if (this.#length === 0) return BEGIN;
    let last = endFirst[this.#length]!;
    for (let node = last; node !== NO_NODE; node = endNext[node]!)
      if (bestScores[node]! > bestScores[last]!) last = node;
    return last;
  }

  #add(begin: number, end: number, id: number, score: number): void {
    const node = this.#nodes++;
    if (node === this.#ids.length) this.#growNodes();
    this.#begins[node] = begin;
    this.#ends[node] = end;
    this.#ids[node] = id;
    this.#scores[node] = score;
  }

  #growNodes(): void {
    const length = 2 * this.#ids.length;
    const longer = (values: Int32Array) => {
      const more = new Int32Array(length);
      more.set(values);
      return more;
    };
    this.#begins = longer(this.#begins);
    this.#ends = longer(this.#ends);
    this.#ids = longer(this.#ids);
    this.#endNext = new Int32Array(length);
    this.#previous = new Int32Array(length);
    this.#bestScores = this.#precision.array(length);
    const scores = this.#precision.array(length);
    scores.set(this.#scores);
    this.#scores = scores;
  }

  #reserve(length: number): void {
    if (length + 2 <= this.#first.length) return;
    const size = 2 * (length + 2);
    this.#first = new Int32Array(size);
    this.#endFirst = new Int32Array(size);
    this.#endLast = new Int32Array(size);
    this.#to = this.#precision.array(size);
    this.#from = this.#precision.array(size);
  }
}

/**
 * Hypotheses, the best estimate first. Among equal ones the order is the reference's, whose comparison calls the one that
 * is asked about the greater one: this is Rust's BinaryHeap, step by step.
 */
class Agenda {
  readonly #heap: Hypothesis[] = [];

  push(hypothesis: Hypothesis): void {
    this.#heap.push(hypothesis);
    this.#rise(this.#heap.length - 1);
  }

  pop(): Hypothesis | undefined {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return last;
    const top = heap[0]!;
    let at = 0;
    let child = 1;
    for (; child + 1 < heap.length; child = 2 * at + 1) {
      if (heap[child]!.estimate < heap[child + 1]!.estimate) child++;
      heap[at] = heap[child]!;
      at = child;
    }
    if (child === heap.length - 1) {
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    this.#rise(at);
    return top;
  }

  #rise(at: number): void {
    const heap = this.#heap;
    const hypothesis = heap[at]!;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (hypothesis.estimate < heap[parent]!.estimate) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = hypothesis;
  }
}
