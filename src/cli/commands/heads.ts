/** `heed heads`: what every attention head does over a corpus, and what the model loses without it. */
import { ConfigError } from '../../errors.ts';
import {
  type AblationReport,
  type AttentionHead,
  ablateHeads,
  attentionSites,
  batchInputs,
  type CorpusRow,
  type HeadReport,
  headLabel,
  headRoles,
  type InductionReport,
  inductionHeads,
  type LensLayer,
  logitLens,
  patternBatches,
  probeItems,
  type RelationReport,
  relationHeads,
  rolloutOf,
  textRow,
  watchPatterns,
} from '../../explain/index.ts';
import type { Model } from '../../hub/model.ts';
import { GENERATES } from '../../models/architecture.ts';
import { defineCommand, UsageError, type Values } from '../command.ts';
import { type HeadsCorpus, ownCorpus, readHeadsCorpus } from '../heads-corpus.ts';
import { headsPage } from '../heads-page.ts';
import { ablationLines, type HeadsView, inductionLines, lensLines, relationLines, roleLines } from '../heads-view.ts';
import { headsWording } from '../heads-wording.ts';
import { jsonText } from '../json-text.ts';
import { patternLines } from '../matrix-view.ts';
import { createMessages, languageOf } from '../messages.ts';
import { createNumbers } from '../numbers.ts';
import { openModel } from '../open-model.ts';
import { ENGINE_OPTIONS, OUTPUT_OPTIONS } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { tokenLabels } from '../token-label.ts';

const OPTIONS = {
  data: {
    kind: 'text',
    short: 'd',
    value: 'FILE',
    help: 'corpus: CoNLL-U (.conllu), or lines of text, with a tab before what a decoder reads',
  },
  relation: {
    kind: 'text',
    value: 'NAMES',
    help: 'relations of a CoNLL-U corpus, such as nsubj,det,antecedent (default: those heed has words for)',
  },
  top: { kind: 'integer', value: 'N', min: 1, help: 'heads, losses and tokens to list (default 5)' },
  limit: { kind: 'integer', value: 'N', min: 1, help: 'most sentences or lines of the corpus (default 1000)' },
  'max-tokens': { kind: 'integer', value: 'N', min: 2, help: 'cut longer texts (default 256)' },
  norms: { kind: 'flag', help: 'weigh attention by the length of what is passed on (Kobayashi et al. 2020)' },
  ablate: { kind: 'text', value: 'HEADS', help: 'take heads out, LAYER.HEAD: 2.1 or 2.1,3.0 or cross.1.2' },
  kind: {
    kind: 'text',
    value: 'KIND',
    choices: ['zero', 'mean', 'uniform'],
    help: 'what stands in for them: mean (default), zero, or uniform attention',
  },
  text: { kind: 'text', value: 'TEXT', help: 'what --lens, --rollout and --out show (default: the first text)' },
  lens: { kind: 'flag', help: 'what the model would predict after each layer' },
  rollout: { kind: 'flag', help: 'attention multiplied through all layers' },
  out: { kind: 'text', short: 'o', value: 'FILE', help: 'write a page with the attention of every head on one text' },
  ...ENGINE_OPTIONS,
  ...OUTPUT_OPTIONS,
} as const;
const [TOP, LIMIT] = [5, 1000];
/** Rows that an ablation is measured on at most: each is read several times. */
const ABLATED_ROWS = 200;

export const heads = defineCommand({
  name: 'heads',
  summary: 'measures what each attention head does over a corpus, and what the model loses without it.',
  positionals: [
    { name: 'MODEL', help: 'folder with config.json and model.safetensors, or a model on the hub: org/name' },
  ],
  options: OPTIONS,
  examples: [
    {
      line: 'heed heads kleinwelt-llama',
      does: 'roles of all heads, on a few sentences and on repeated random tokens',
    },
    {
      line: 'heed heads kleinwelt-bert --data examples/data/dev.conllu --relation nsubj,det',
      does: 'which head finds the subject',
    },
    {
      line: 'heed heads kleinwelt-llama --data examples/data/sentences.txt --ablate 1.0',
      does: 'the same, and the model without head 1.0',
    },
    { line: 'heed heads kleinwelt-llama --text "Der Hund jagt die" --lens', does: 'what each layer would say next' },
  ],
  async run({ values, positionals: [folder], terminal, signal }) {
    const language = values.lang ?? languageOf(terminal.env);
    const [say, numbers, words] = [createMessages(language), createNumbers(language), headsWording(language)];
    const { model, close } = await openModel(folder!, { engine: values, terminal, say, numbers, signal });
    try {
      const view = { words, numbers, terminal, label: tokenLabels(model.parts.tokenizer) };
      const relations = values.relation?.split(',').map(name => name.trim());
      if (relations && values.data === undefined)
        throw new UsageError('--relation needs a corpus that knows them: --data FILE.conllu', 'heads');
      const limits = { limit: values.limit ?? LIMIT, maxTokens: values['max-tokens'] };
      const corpus =
        values.data === undefined
          ? ownCorpus(model)
          : await readHeadsCorpus(model, values.data, { relations, ...limits });
      if (relations && !corpus.annotated)
        throw new UsageError('--relation needs a corpus in CoNLL-U: --data FILE.conllu', 'heads');
      const found = await measure(model, corpus, values, { view, signal });
      const shown = values.text === undefined ? corpus.rows[0]! : textRow(model, values.text);
      const title = [folder!, values.text ?? corpus.text].filter(Boolean).join(': ');
      if (values.out !== undefined) await writePage(values.out, model, shown, { found, view, title, language, signal });
      const more = {
        ablation: values.ablate ? await ablate(model, corpus, found, values, { view, signal }) : undefined,
        lens: values.lens ? await lensOf(model, shown, values.top ?? TOP, signal) : undefined,
        rollout: values.rollout ? await rolloutOf(model, shown) : undefined,
      };
      if (values.json) {
        const rollout = more.rollout?.map(({ stack, flow }) => ({ stack, flow: [...flow] }));
        terminal.write(`${jsonText({ rows: corpus.rows.length, ...found, ...more, rollout })}\n`);
        return;
      }
      terminal.write(`${report(found, more, { corpus, shown, view, values }).join('\n')}\n`);
      if (values.out !== undefined) terminal.note(`${words.say('written')}: ${values.out}\n`);
    } finally {
      close();
    }
  },
});

type HeadsValues = Values<typeof OPTIONS>;
interface Context {
  readonly view: HeadsView;
  readonly signal: AbortSignal;
}
interface Found {
  readonly roles: readonly HeadReport[];
  readonly induction: readonly InductionReport[];
  readonly relations: readonly RelationReport[] | undefined;
}
interface More {
  readonly ablation: AblationReport | undefined;
  readonly lens: Lens | undefined;
  readonly rollout: Awaited<ReturnType<typeof rolloutOf>> | undefined;
}

/** A line on standard error that says how far it is, for a person. */
function progressLine({ interactiveErrors, note }: Terminal, what: string) {
  return {
    show: (done: number, total: number) => {
      if (interactiveErrors) note(`\r${what} ${done} / ${total}\x1b[K`);
    },
    clear: () => {
      if (interactiveErrors) note('\r\x1b[K');
    },
  };
}

async function measure(
  model: Model,
  { rows, annotated }: HeadsCorpus,
  { norms }: HeadsValues,
  { view, signal }: Context,
): Promise<Found> {
  const weighting = norms ? 'norms' : 'attention';
  const [roles, relations] = [headRoles(model), relationHeads()];
  const line = progressLine(view.terminal, view.words.say('measuring'));
  const onProgress = (done: number) => line.show(done, rows.length);
  await watchPatterns(model, rows, annotated ? [roles, relations] : [roles], { weighting, signal, onProgress });
  line.clear();
  return {
    roles: roles.result(),
    induction: await inductionHeads(model, { weighting, signal }),
    relations: annotated ? relations.result() : undefined,
  };
}

async function ablate(
  model: Model,
  { rows, annotated }: HeadsCorpus,
  found: Found,
  { ablate, kind, relation }: HeadsValues,
  { view, signal }: Context,
): Promise<AblationReport> {
  const names = ablate!.split(',').map(text => headNamed(model, rows[0]!, text.trim()));
  // Where relations are asked for, the answers are those at the words that look for them.
  const mine = found.relations?.filter(({ head }) =>
    names.some(name => name.site === head.site && name.head === head.head),
  );
  const wordsOf = ({ annotation }: CorpusRow) => {
    const looking = annotation!.pairs.filter(
      pair =>
        !mine?.length || mine.some(found => found.relation === pair.relation && found.direction === pair.direction),
    );
    return [...new Set(looking.map(pair => pair.query))];
  };
  const some = rows.slice(0, ABLATED_ROWS);
  const items = [...probeItems(model, some, relation && annotated ? { wordsOf } : {})];
  const line = progressLine(view.terminal, view.words.say('ablating'));
  const report = await ablateHeads(model, names, items, { kind, signal, onProgress: line.show });
  line.clear();
  return report;
}

/** `2.1`, in an encoder-decoder `encoder.2.1`, `decoder.2.1` or `cross.2.1`. @throws UsageError for one that there is not */
function headNamed(model: Model, row: CorpusRow, text: string): AttentionHead {
  const sites = attentionSites(model, batchInputs([row]));
  const [, stack = '', layer, head] = /^(?:(\w+)\.)?(\d+)\.(\d+)$/.exec(text) ?? [];
  const site = sites.find(site => site.stack === stack && site.layer === Number(layer));
  if (layer === undefined || !site) {
    const first = headLabel(sites[0]!, 0);
    throw new UsageError(`--ablate ${text}: no such head; layer and head are written like ${first}`, 'heads');
  }
  return { site: site.name, head: Number(head) };
}

// ---- one text
interface Lens {
  readonly layers: readonly LensLayer[];
  readonly position: number;
  readonly id: number;
}

/** The place that is predicted: the last token, or the mask. */
async function lensOf(model: Model, row: CorpusRow, top: number, signal: AbortSignal): Promise<Lens> {
  const inputs = batchInputs([row]);
  const ids = row.decoderIds ?? row.ids;
  const continues = GENERATES.has(model.parts.head);
  const mask = model.parts.tokenizer?.specialTokens.mask ?? -1;
  const position = continues ? ids.length - 1 : ids.indexOf(mask);
  if (position < 0)
    throw new ConfigError('nothing is masked in the text', {
      fix: `write ${model.tokenizer.idToToken(mask) ?? 'the mask token'} into it: --text`,
    });
  const [last] = (await logitLens(model, inputs, { places: [{ position }], top: 1, signal })).slice(-1);
  const answer = last!.places[0]!.top[0]!.id;
  return {
    layers: await logitLens(model, inputs, { places: [{ position, answer }], top, signal }),
    position,
    id: ids[position]!,
  };
}

async function writePage(
  path: string,
  model: Model,
  row: CorpusRow,
  about: Context & { found: Found; title: string; language: string },
): Promise<void> {
  const { found, view, title, language, signal } = about;
  const { words, label } = view;
  const [source, target] = [row.ids.map(label), (row.decoderIds ?? []).map(label)];
  for await (const batch of patternBatches(model, [row], { signal })) {
    const page = headsPage({
      ...{ language, title, batch, words },
      labels: stack => ({
        queries: stack === 'decoder' || stack === 'cross' ? target : source,
        keys: stack === 'decoder' ? target : source,
      }),
      caption: (site, head) => {
        const { role, roles } = found.roles.find(report => report.site.name === site && report.head === head)!;
        const share = role === 'mixed' || role === 'spread' ? '' : ` ${Math.round(100 * roles[role].share)} %`;
        const finds = (found.relations ?? [])
          .filter(({ head: best, beatsOffset }) => beatsOffset && best.site === site && best.head === head)
          .map(({ relation, direction, head: { accuracy } }) => {
            return `${words.relation(relation, direction)} (${Math.round(100 * accuracy.value)} %)`;
          });
        return [words.role(role) + share, ...finds].join('; ');
      },
    });
    const { writeFile } = await import('node:fs/promises');
    await writeFile(path, page).catch((cause: unknown) => {
      throw new ConfigError('the page cannot be written', { seen: String(cause), where: path, cause });
    });
  }
}

function report(
  { roles, induction, relations }: Found,
  { ablation, lens, rollout }: More,
  about: { corpus: HeadsCorpus; shown: CorpusRow; view: HeadsView; values: HeadsValues },
): string[] {
  const { corpus, shown, view, values } = about;
  const { words, numbers, terminal } = view;
  const top = values.top ?? TOP;
  const tokens = corpus.rows.reduce((n, row) => n + row.ids.length, 0);
  const size = words.say('size', numbers.count(corpus.rows.length), numbers.count(tokens));
  const legend = words.say('rolesLegend', size) + (values.norms ? `; ${words.say('byNorms')}` : '');
  const parts = [
    [terminal.paint.bold(words.say('rolesTitle')), terminal.paint.dim(legend), '', ...roleLines(roles, view, top)],
    inductionLines(induction, view, top),
    relations ? relationLines(relations, view) : [],
    ablation ? ablationLines(ablation, view, top) : [],
    lens ? lensLines(lens.layers, 0, `${view.label(lens.id)} (${lens.position})`, view) : [],
    ...(rollout ?? []).map(({ stack, flow }) => {
      const ids = stack === 'decoder' ? shown.decoderIds! : shown.ids;
      const labels = ids.map(view.label);
      const matrix = { data: flow, rows: ids.length, columns: ids.length };
      const { lines } = patternLines(matrix, { rows: labels, columns: labels }, terminal.columns, terminal.paint);
      return [terminal.paint.bold([words.say('rolloutTitle'), stack].join(' ').trim()), ...lines];
    }),
  ];
  return parts.filter(lines => lines.length).flatMap((lines, i) => (i === 0 ? lines : ['', ...lines]));
}
