/**
 * What attention heads do, measured: the share of their attention that goes to the token before, the token behind, the same
 * token, the first one, punctuation, separators, earlier copies of the token, and what followed those. After Clark et al. 2019,
 * "What Does BERT Look At?", and Olsson et al. 2022, "In-context Learning and Induction Heads".
 */
import type { CorpusRow } from './corpus.ts';
import type { AttentionSite, ExplainedModel } from './explained-model.ts';
import type { PatternBatch, PatternMeasure, SitePattern } from './patterns.ts';
import { type TokenKinds, tokenKinds } from './token-kinds.ts';

/** From the narrowest to the widest: where two fit about as well, the first says more. */
export const ROLES = [
  'previous',
  'next',
  'same',
  'induction',
  'duplicate',
  'first',
  'punctuation',
  'separators',
] as const;
export type Role = (typeof ROLES)[number];

/** How well a head fits a role. All means are over the tokens of the texts that see a key of this kind; none: NaN. */
export interface RoleFit {
  /** Mean share of the attention that goes to keys of this kind. */
  readonly share: number;
  /** How often the most attended key is one of them. */
  readonly argmax: number;
  /** The share if all keys that are seen were attended to alike. */
  readonly chance: number;
  readonly queries: number;
}
export interface HeadReport {
  readonly site: AttentionSite;
  readonly head: number;
  readonly roles: Readonly<Record<Role, RoleFit>>;
  /** Mean entropy of the weights in nats. */
  readonly entropy: number;
  /** Mean entropy as a share of the largest one possible, the logarithm of the number of keys seen; 1 = all alike. */
  readonly spread: number;
  /** Mean distance to what is attended to, in tokens; between the two texts of an encoder-decoder of their places. */
  readonly distance: number;
  /** What it does mostly; `spread` where it looks at all alike, `mixed` where nothing here describes it. */
  readonly role: Role | 'spread' | 'mixed';
}
export interface HeadRoleOptions {
  /** Least share of its attention that gives a head a role; default 0.4. */
  readonly threshold?: number | undefined;
  /** Of the largest entropy: from here on a head without a role looks at all alike; default 0.9. */
  readonly spreadFrom?: number | undefined;
}

/** Sums of one site: per role and head, and per role. */
interface Sums {
  readonly site: AttentionSite;
  readonly share: Float64Array;
  readonly argmax: Float64Array;
  readonly chance: Float64Array;
  readonly eligible: Float64Array;
  readonly entropy: Float64Array;
  readonly spread: Float64Array;
  readonly distance: Float64Array;
  queries: number;
  /** Queries that see more than one key. */
  choices: number;
}

/** Measures every head. Queries are the tokens of the texts; those that a tokenizer adds are looked at but do not look. */
export function headRoles(model: ExplainedModel, options: HeadRoleOptions = {}): PatternMeasure<HeadReport[]> {
  const kinds = tokenKinds(model);
  const sites = new Map<string, Sums>();
  return {
    add(batch: PatternBatch) {
      for (const pattern of batch.patterns) {
        const { site, heads: H } = pattern;
        const sums = sites.get(site.name) ?? emptySums(site, H);
        sites.set(site.name, sums);
        batch.rows.forEach((row, b) => {
          addRow(sums, pattern, b, row, kinds);
        });
      }
    },
    result: () => [...sites.values()].flatMap(sums => reports(sums, options)),
  };
}

function emptySums(site: AttentionSite, H: number): Sums {
  const numbers = (n: number) => new Float64Array(n);
  const R = ROLES.length;
  return {
    site,
    share: numbers(R * H),
    argmax: numbers(R * H),
    chance: numbers(R),
    eligible: numbers(R),
    entropy: numbers(H),
    spread: numbers(H),
    distance: numbers(H),
    queries: 0,
    choices: 0,
  };
}

function addRow(sums: Sums, pattern: SitePattern, b: number, row: CorpusRow, kinds: TokenKinds): void {
  const { site, heads: H, queries: T, keys: S, data } = pattern;
  const decoder = site.stack === 'decoder' || site.stack === 'cross';
  const queries = decoder ? row.decoderIds! : row.ids;
  const [keys, added] = site.stack === 'decoder' ? [row.decoderIds!, []] : [row.ids, row.added];
  const keyRow = { ids: keys, added };
  const seen = new Uint8Array(S);
  for (let t = 0; t < queries.length; t++) {
    if (kinds.isSpecial(queries[t]!) || (!decoder && row.added[t] === 1)) continue;
    const visible = visibleKeys(pattern, b, t, keys.length, seen);
    const members = roleKeys(site, queries, keyRow, t, visible, kinds);
    sums.queries++;
    if (visible.length > 1) sums.choices++;
    members.forEach((places, r) => {
      if (places.length === 0) return;
      sums.eligible[r]!++;
      sums.chance[r]! += places.length / visible.length;
    });
    for (let h = 0; h < H; h++) {
      const at = ((b * H + h) * T + t) * S;
      let [best, most, entropy, distance] = [-1, -1, 0, 0];
      for (const s of visible) {
        const weight = data[at + s]!;
        if (weight > most) [best, most] = [s, weight];
        if (weight > 0) entropy -= weight * Math.log(weight);
        distance += weight * Math.abs(t - s);
      }
      sums.entropy[h]! += entropy;
      sums.distance[h]! += distance;
      if (visible.length > 1) sums.spread[h]! += entropy / Math.log(visible.length);
      members.forEach((places, r) => {
        if (places.length === 0) return;
        for (const s of places) sums.share[r * H + h]! += data[at + s]!;
        if (places.includes(best)) sums.argmax[r * H + h]!++;
      });
    }
  }
}

/** Keys that any head gives something: hidden ones have weights of exactly 0. */
function visibleKeys(
  { heads: H, queries: T, keys: S, data }: SitePattern,
  b: number,
  t: number,
  length: number,
  seen: Uint8Array,
): number[] {
  seen.fill(0);
  for (let h = 0; h < H; h++) {
    const at = ((b * H + h) * T + t) * S;
    for (let s = 0; s < length; s++) if (data[at + s]! > 0) seen[s] = 1;
  }
  const visible: number[] = [];
  for (let s = 0; s < length; s++) if (seen[s]) visible.push(s);
  return visible;
}

/** For each role the visible keys that have it for the query at t. */
function roleKeys(
  { stack }: AttentionSite,
  queries: readonly number[],
  keys: CorpusRow,
  t: number,
  visible: readonly number[],
  kinds: TokenKinds,
): number[][] {
  const id = queries[t]!;
  const self = stack !== 'cross';
  const has: Record<Role, (s: number) => boolean> = {
    // Places of the two texts of an encoder-decoder do not correspond.
    previous: s => self && s === t - 1,
    next: s => self && s === t + 1,
    same: s => self && s === t,
    induction: s => self && s > 0 && s <= t && keys.ids[s - 1] === id && s - 1 !== t,
    duplicate: s => (!self || s !== t) && keys.ids[s] === id,
    first: s => s === 0 && (!self || t !== 0),
    punctuation: s => (!self || s !== t) && kinds.isPunctuation(keys.ids[s]!),
    separators: s => kinds.isSeparator(keys, s),
  };
  return ROLES.map(role => visible.filter(has[role]));
}

function reports(sums: Sums, { threshold = 0.4, spreadFrom = 0.9 }: HeadRoleOptions): HeadReport[] {
  const { site, queries } = sums;
  const H = sums.entropy.length;
  return Array.from({ length: H }, (_, head) => {
    const measured = (r: number): RoleFit => ({
      share: sums.share[r * H + head]! / sums.eligible[r]!,
      argmax: sums.argmax[r * H + head]! / sums.eligible[r]!,
      chance: sums.chance[r]! / sums.eligible[r]!,
      queries: sums.eligible[r]!,
    });
    const roles = Object.fromEntries(ROLES.map((role, r) => [role, measured(r)])) as Record<Role, RoleFit>;
    const spread = sums.spread[head]! / sums.choices;
    return {
      site,
      head,
      roles,
      entropy: sums.entropy[head]! / queries,
      spread,
      distance: sums.distance[head]! / queries,
      role: roleOf(roles, threshold) ?? (spread >= spreadFrom ? 'spread' : 'mixed'),
    };
  });
}

/** A wider role has to fit this much better than a narrower one. */
const BETTER = 1.1;

/** The role that takes most of the attention, if it takes enough and more than chance would give it. */
function roleOf(roles: Readonly<Record<Role, RoleFit>>, threshold: number): Role | undefined {
  let best: Role | undefined;
  for (const role of ROLES) {
    const { share, chance, queries } = roles[role];
    // A kind that hardly any query sees says nothing about what the head does.
    const common = queries >= 0.1 * Math.max(...ROLES.map(other => roles[other].queries));
    if (!common || !(share >= threshold) || share < 1.5 * chance) continue;
    if (best === undefined || share > BETTER * roles[best].share) best = role;
  }
  return best;
}
