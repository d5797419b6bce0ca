/** How `heed heads` shows what it measured: layers by heads, relations as sentences, ablations, the lens as a table. */
import {
  type AblationReport,
  type AttentionSite,
  type HeadReport,
  headLabel,
  type InductionReport,
  type Interval,
  type LensLayer,
  type RelationReport,
} from '../explain/index.ts';
import type { HeadsWording } from './heads-wording.ts';
import { padEnd, padStart, table, widthOf } from './layout.ts';
import type { Numbers } from './numbers.ts';
import type { Terminal } from './terminal.ts';

export interface HeadsView {
  readonly words: HeadsWording;
  readonly numbers: Numbers;
  readonly terminal: Terminal;
  /** Names a token. */
  readonly label: (id: number) => string;
}

const title = ({ terminal }: HeadsView, text: string): string => terminal.paint.bold(text);
/** `93.1 % [91.8, 94.2]` */
const percents = ({ numbers, words }: HeadsView, { value, low, high }: Interval): string =>
  `${numbers.percent(value)} ${words.say('interval', numbers.fixed(100 * low, 1), numbers.fixed(100 * high, 1))}`;
/** `-0.123 [-0.150, -0.101]` */
const signed = ({ numbers, words }: HeadsView, { value, low, high }: Interval): string => {
  const number = (x: number) => (x > 0 ? '+' : '') + numbers.fixed(x, 3);
  return `${number(value)} ${words.say('interval', number(low), number(high))}`;
};

// ---- roles
const shareOf = ({ role, roles }: HeadReport): number | undefined =>
  role === 'mixed' || role === 'spread' ? undefined : roles[role].share;

/** A line for each layer, a column for each head, in as many blocks as the width asks for; then the clearest heads. */
export function roleLines(reports: readonly HeadReport[], view: HeadsView, top: number): string[] {
  const { words, numbers, terminal } = view;
  const { paint } = terminal;
  const lines: string[] = [];
  for (const stack of new Set(reports.map(({ site }) => site.stack))) {
    const layers = [...groupByLayer(reports.filter(({ site }) => site.stack === stack))];
    const cells = layers.map(([layer, heads]) => [
      `${stack}${stack && '.'}${layer}`,
      ...heads.map(head => {
        const share = shareOf(head);
        return `${words.shortRole(head.role)}${share === undefined ? '' : ` ${Math.round(100 * share)}`}`;
      }),
    ]);
    const most = Math.max(...cells.map(row => row.length - 1));
    const width = Math.max(...cells.flatMap(row => row.slice(1).map(widthOf)), String(most).length) + 1;
    const first = Math.max(widthOf(words.say('layer')), ...cells.map(row => widthOf(row[0]!)));
    const perBlock = Math.max(1, Math.floor((terminal.columns - first) / width));
    for (let from = 0; from < most; from += perBlock) {
      const to = Math.min(most, from + perBlock);
      const heads = Array.from({ length: to - from }, (_, i) => padStart(String(from + i), width));
      lines.push(paint.dim(padEnd(words.say('layer'), first) + heads.join('')));
      for (const [i, row] of cells.entries()) {
        const shown = row.slice(from + 1, to + 1).map((text, h) => {
          const share = shareOf(layers[i]![1][from + h]!);
          const cell = padStart(text, width);
          return share === undefined ? paint.dim(cell) : share >= 0.7 ? paint.bold(paint.cyan(cell)) : paint.cyan(cell);
        });
        lines.push(padEnd(row[0]!, first) + shown.join(''));
      }
      lines.push('');
    }
  }
  const clear = reports
    .filter(report => shareOf(report) !== undefined)
    .sort((a, b) => shareOf(b)! - shareOf(a)!)
    .slice(0, top);
  if (clear.length === 0) return [...lines, words.say('noRoles')];
  const rows = clear.map(report => {
    const { share, argmax, chance } = report.roles[report.role as keyof HeadReport['roles']];
    return [
      headLabel(report.site, report.head),
      words.role(report.role),
      numbers.percent(share),
      numbers.percent(argmax),
      numbers.percent(chance),
    ];
  });
  const heads = [
    words.say('head'),
    words.say('role'),
    words.say('share'),
    words.say('mostAttended'),
    words.say('chance'),
  ];
  const right = { align: 'right' } as const;
  const [head, ...body] = table([heads, ...rows], [{}, {}, right, right, right]);
  return [...lines, title(view, words.say('clearest')), paint.dim(head!), ...body];
}
function groupByLayer(reports: readonly HeadReport[]): Map<number, HeadReport[]> {
  const layers = new Map<number, HeadReport[]>();
  for (const report of reports) layers.set(report.site.layer, [...(layers.get(report.site.layer) ?? []), report]);
  return layers;
}

/** Heads with this much prefix matching are called induction heads here. */
const INDUCTION = 0.2;

export function inductionLines(reports: readonly InductionReport[], view: HeadsView, top: number): string[] {
  const { words, numbers } = view;
  const best = [...reports].sort((a, b) => b.prefixMatching - a.prefixMatching);
  if (best.length === 0) return [];
  const label = ({ site, head }: InductionReport) => headLabel(site, head);
  const found = best.filter(({ prefixMatching }) => prefixMatching >= INDUCTION).slice(0, top);
  const lines = found.map(report => {
    const line = words.say('induction', label(report), numbers.percent(report.prefixMatching));
    const { copying } = report;
    return copying === undefined ? line : `${line}, ${words.say('copies', numbers.percent(copying))}`;
  });
  if (lines.length === 0)
    lines.push(words.say('noInduction', label(best[0]!), numbers.percent(best[0]!.prefixMatching)));
  return [title(view, words.say('inductionTitle')), ...lines];
}

// ---- relations
export function relationLines(reports: readonly RelationReport[], view: HeadsView): string[] {
  const { words, numbers, terminal } = view;
  const lines = [title(view, words.say('relationsTitle'))];
  if (reports.length === 0) return [...lines, words.say('noRelations')];
  const order = [...reports].sort(
    (a, b) => Number(b.beatsOffset) - Number(a.beatsOffset) || b.difference.value - a.difference.value,
  );
  for (const { relation, direction, stack, head, offset, measuredOn, beatsOffset } of order) {
    const site: AttentionSite = { name: head.site, stack, layer: head.layer };
    const sentence = words.say(
      'finds',
      headLabel(site, head.head),
      words.relation(relation, direction),
      percents(view, head.accuracy),
      offset.offset > 0 ? `+${offset.offset}` : String(offset.offset),
      numbers.percent(offset.accuracy.value),
    );
    const notes = [words.say('pairs', numbers.count(measuredOn)), ...(beatsOffset ? [] : [words.say('noBetter')])];
    const line = `${sentence}  ${terminal.paint.dim(`(${notes.join(', ')})`)}`;
    lines.push(beatsOffset ? line : terminal.paint.dim(line));
  }
  if (!reports.some(({ beatsOffset }) => beatsOffset)) lines.push(words.say('noHeadBeats'));
  return lines;
}

// ---- ablation
export function ablationLines(report: AblationReport, view: HeadsView, top: number): string[] {
  const { words, numbers, terminal, label } = view;
  const { effect, controls, beyondControls, answers } = report;
  const [what, how] = [effect.labels.join(', '), words.say(report.kind)];
  const rows = [
    [words.say('logProbability'), signed(view, effect.logProbability)],
    [words.say('probability'), signed(view, effect.probability)],
    [words.say('accuracy'), `${percents(view, report.accuracyBefore)} → ${percents(view, effect.accuracyAfter)}`],
    [words.say('medianRank'), `${report.medianRankBefore} → ${effect.medianRankAfter}`],
  ];
  if (controls.length)
    rows.push([
      words.say('otherHeads'),
      controls
        .map(({ labels, logProbability: { value } }) => `${labels.join(' ')}: ${numbers.fixed(value, 3)}`)
        .join(', '),
    ]);
  if (beyondControls) rows.push([words.say('beyondOthers'), signed(view, beyondControls)]);
  const losses = [...answers]
    .sort((a, b) => a.after.probability - a.before.probability - (b.after.probability - b.before.probability))
    .slice(0, top)
    .map(({ before, after }) => [
      label(before.id),
      `${numbers.percent(before.probability)} → ${numbers.percent(after.probability)}`,
      `${words.say('rank')} ${before.rank} → ${after.rank}`,
    ]);
  const count = words.say('answers', numbers.count(answers.length), numbers.count(report.items));
  return [
    `${title(view, words.say('ablationTitle', what))}  ${terminal.paint.dim(`${how}; ${count}`)}`,
    ...table(rows),
    '',
    title(view, words.say('largestLosses')),
    ...table(losses, [{}, {}, {}]),
  ];
}

// ---- lens
/** A line for each layer: its likeliest tokens at one place, and how the model's own answer stands there. */
export function lensLines(layers: readonly LensLayer[], place: number, at: string, view: HeadsView): string[] {
  const { words, numbers, terminal, label } = view;
  const rows = layers.map(({ places }, i) => {
    const { top, answer } = places[place]!;
    return [
      i === 0 ? words.say('embedding') : String(i - 1),
      answer ? `${words.say('rank')} ${numbers.count(answer.rank)}` : '',
      answer ? numbers.percent(answer.probability) : '',
      ...top.map(({ id, probability }) => `${label(id)} ${Math.round(100 * probability)}`),
    ];
  });
  const answer = layers.at(-1)!.places[place]!.answer;
  const head = [words.say('layer'), answer ? label(answer.id) : '', '', words.say('ifItEnded')];
  const [first, ...body] = table([head, ...rows], [{ align: 'right' }, { align: 'right' }, { align: 'right' }]);
  return [title(view, words.say('lensTitle', at)), terminal.paint.dim(first!), ...body];
}
