/**
 * What a state looks like to a token of a few bytes. A token cannot see how many repetitions are left when they are many, nor what
 * stands on the stack below what it can read; states that differ in such things only share the relaxed one, and with it the mask
 * of all short tokens. So a mask is computed for each place of a schema, not for each length and depth.
 */
import type { State, StateMachine } from './states.ts';

export interface Relaxed {
  readonly state: State;
  /** By how many bytes, at most, the shortest end has come nearer than it is. The same holds behind every token. */
  readonly dropped: number;
}

/**
 * A state from which tokens of up to `bytes` bytes can go on exactly if they can from the given one. Where a text may end is not
 * kept.
 */
export function relax(machine: StateMachine, state: State, bytes: number): Relaxed {
  const { form } = state;
  switch (form.kind) {
    case 'sequence': {
      const first = relax(machine, form.first, bytes);
      if (form.first.least >= bytes)
        return {
          state: machine.sequence(first.state, machine.anything)!,
          dropped: first.dropped + form.rest.least,
        };
      const rest = relax(machine, form.rest, bytes - form.first.least);
      return { state: machine.sequence(first.state, rest.state)!, dropped: first.dropped + rest.dropped };
    }
    case 'either': {
      const ways = form.ways.map(way => relax(machine, way, bytes));
      return {
        state: machine.either(ways.map(way => way.state))!,
        dropped: ways.reduce((most, way) => Math.max(most, way.dropped), 0),
      };
    }
    case 'repeat': {
      // More repetitions than these are not read through.
      const enough = Math.floor(bytes / Math.max(1, form.part.least)) + 1;
      const least = Math.min(form.least, enough);
      const most = form.most > enough ? Number.POSITIVE_INFINITY : form.most;
      return {
        state: machine.repeat(form.part, least, most)!,
        dropped: (form.least - least) * form.part.least,
      };
    }
    default:
      return { state, dropped: 0 };
  }
}
