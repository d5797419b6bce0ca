/**
 * The word edit distance of TER: insertions, deletions and substitutions, with the path, looked for only near the diagonal
 * of the two lengths, as Tercom does.
 */

/** What turns the hypothesis into the reference, word by word. */
export type EditStep = 'keep' | 'substitute' | 'delete' | 'insert';

const STEPS: readonly EditStep[] = ['keep', 'substitute', 'delete', 'insert'];
const BEAM = 25;
/** Larger than any distance, and far from the largest 32-bit integer. */
const FAR = 1e9;

/** Rows of distances, one for each number of hypothesis words, and the step that leads to each. */
interface Table {
  readonly hypothesis: readonly number[];
  readonly distances: readonly Int32Array[];
  readonly steps: readonly Uint8Array[];
}

/** Distances of hypotheses of one length from one reference; words are numbers. */
export interface BeamEditDistance {
  /** Fixes the hypothesis that the next ones are variants of. */
  begin(hypothesis: readonly number[]): { readonly distance: number; readonly steps: readonly EditStep[] };
  /** The distance of a variant whose first `same` words are those of the hypothesis fixed last. */
  distance(variant: readonly number[], same: number): number;
}

/** Edit distances from a reference. Time of each: words of the hypothesis times the beam (50) or the reference. */
export function beamEditDistance(reference: readonly number[]): BeamEditDistance {
  let base: Table = { hypothesis: [], distances: [], steps: [] };
  return {
    begin(hypothesis) {
      base = emptyTable(hypothesis, reference.length);
      fill(base, reference, 1);
      return { distance: base.distances.at(-1)![reference.length]!, steps: path(base, reference.length) };
    },
    distance(variant, same) {
      if (same === variant.length) return base.distances.at(-1)![reference.length]!;
      const fresh = emptyTable(variant, reference.length, same);
      const table = {
        hypothesis: variant,
        distances: [...base.distances.slice(0, same + 1), ...fresh.distances],
        steps: [...base.steps.slice(0, same + 1), ...fresh.steps],
      };
      fill(table, reference, same + 1);
      return table.distances.at(-1)![reference.length]!;
    },
  };
}

/** Rows that nothing is known of; row 0, where it is wanted, inserts the reference. */
function emptyTable(hypothesis: readonly number[], width: number, from = -1): Table {
  const count = hypothesis.length - from;
  const distances = Array.from({ length: count }, () => new Int32Array(width + 1).fill(FAR));
  const steps = Array.from({ length: count }, () => new Uint8Array(width + 1));
  if (from < 0) {
    for (let j = 0; j <= width; j++) distances[0]![j] = j;
    steps[0]!.fill(STEPS.indexOf('insert'));
  }
  return { hypothesis, distances, steps };
}

function fill({ hypothesis, distances, steps }: Table, reference: readonly number[], from: number): void {
  const rows = hypothesis.length;
  const width = reference.length;
  const slope = width / rows;
  const beam = BEAM < slope / 2 ? Math.ceil(slope / 2 + BEAM) : BEAM;
  for (let i = from; i <= rows; i++) {
    const diagonal = Math.floor(i * slope);
    const first = Math.max(0, diagonal - beam);
    const end = i === rows ? width + 1 : Math.min(width + 1, diagonal + beam);
    const [above, row, step] = [distances[i - 1]!, distances[i]!, steps[i]!];
    const word = hypothesis[i - 1]!;
    for (let j = first; j < end; j++) {
      let best = FAR;
      // Of equal costs keeping or substituting comes first, then deleting, then inserting: the order decides alignments.
      if (j > 0) {
        const differs = word === reference[j - 1] ? 0 : 1;
        if (above[j - 1]! + differs < best) {
          best = above[j - 1]! + differs;
          step[j] = differs;
        }
      }
      if (above[j]! + 1 < best) {
        best = above[j]! + 1;
        step[j] = 2;
      }
      if (j > 0 && row[j - 1]! + 1 < best) {
        best = row[j - 1]! + 1;
        step[j] = 3;
      }
      row[j] = best;
    }
  }
}

function path({ hypothesis, steps }: Table, width: number): EditStep[] {
  const result: EditStep[] = [];
  let [i, j] = [hypothesis.length, width];
  while (i > 0 || j > 0) {
    const step = STEPS[steps[i]![j]!]!;
    result.push(step);
    if (step !== 'insert') i--;
    if (step !== 'delete') j--;
  }
  return result.reverse();
}
