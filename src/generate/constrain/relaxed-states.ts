/**
 * What a state looks like to a token of a few bytes. A token cannot see how many repetitions are left when they are many, nor what
 * stands on the stack below what it can read; states that differ in such things only share the relaxed one, and with it the mask
 * of all short tokens. So a mask is computed for each place of a schema, not for each length and depth.
 */
import { type State, type StateMachine, tooLarge } from './states.ts';

export interface Relaxed {
  readonly state: State;
  /** By how many bytes, at most, the shortest end has come nearer than it is. The same holds behind every token. */
  readonly dropped: number;
}

/** Parts of states within each other. */
const DEEPEST = 1000;
/** Relaxed states that are remembered; then it begins anew. */
const MOST_KEPT = 200_000;

export class Relaxer {
  readonly #machine: StateMachine;
  /** By bytes. States share their parts, and one way leads to a part for each place that it has: each is relaxed once. */
  #known: Map<State, Relaxed>[] = [];
  #kept = 0;
  #depth = 0;

  constructor(machine: StateMachine) {
    this.#machine = machine;
  }

  /**
   * A state from which tokens of up to `bytes` bytes can go on exactly if they can from the given one. Where a text may end is not
   * kept. @throws ConfigError for states beyond the limits
   */
  relax(state: State, bytes: number): Relaxed {
    const machine = this.#machine;
    const above: { readonly from: State; readonly bytes: number; readonly first: Relaxed }[] = [];
    // Down a sequence as far as the bytes reach and up again, so that no call is as deep as a sequence is long.
    let [from, left] = [state, bytes];
    let found = this.#known[left]?.get(from);
    while (!found) {
      const { form } = from;
      if (form.kind !== 'sequence') found = this.#keep(from, left, this.#relaxPart(from, left));
      else {
        above.push({ from, bytes: left, first: this.#relaxFirst(form.first, left) });
        if (form.first.least >= left) found = { state: machine.anything, dropped: form.rest.least };
        else {
          left -= form.first.least;
          from = form.rest;
          found = this.#known[left]?.get(from);
        }
      }
    }
    for (const { from, bytes, first } of above.reverse())
      found = this.#keep(from, bytes, {
        state: machine.sequence(first.state, found.state)!,
        dropped: first.dropped + found.dropped,
      });
    return found;
  }

  #relaxFirst(state: State, bytes: number): Relaxed {
    if (++this.#depth > DEEPEST) throw tooLarge(`more than ${DEEPEST} parts within each other`);
    try {
      return this.relax(state, bytes);
    } finally {
      this.#depth--;
    }
  }

  #relaxPart(state: State, bytes: number): Relaxed {
    const { form } = state;
    if (form.kind === 'either') {
      const ways = form.ways.map(way => this.#relaxFirst(way, bytes));
      return {
        state: this.#machine.either(ways.map(way => way.state))!,
        dropped: ways.reduce((most, way) => Math.max(most, way.dropped), 0),
      };
    }
    if (form.kind !== 'repeat') return { state, dropped: 0 };
    // More repetitions than these are not read through.
    const enough = Math.floor(bytes / Math.max(1, form.part.least)) + 1;
    const least = Math.min(form.least, enough);
    const most = form.most > enough ? Number.POSITIVE_INFINITY : form.most;
    return {
      state: this.#machine.repeat(form.part, least, most)!,
      dropped: (form.least - least) * form.part.least,
    };
  }

  #keep(state: State, bytes: number, relaxed: Relaxed): Relaxed {
    this.#machine.spend(1);
    if (++this.#kept > MOST_KEPT) {
      this.#known = [];
      this.#kept = 1;
    }
    (this.#known[bytes] ??= new Map()).set(state, relaxed);
    return relaxed;
  }
}
