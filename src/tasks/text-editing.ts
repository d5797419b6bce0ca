/**
 * Text by edits: a tagger says what to edit, a generator writes what is to come, until nothing is left to edit. Reid, Hellendoorn,
 * Neubig 2023, "DiffusER". The texts are drafts, such as misspelt ones, or begin with nothing.
 */
import { ConfigError } from '../errors.ts';
import { type EditEvent, type EditOptions, edit, editAll } from '../generate/index.ts';
import type { Model } from '../hub/model.ts';
import { ModelEditor } from '../hub/model-editor.ts';
import { count, flag, integer, share } from './option-checks.ts';
import { type CallOptions, type Calls, defineTask, isText, type Streams } from './task.ts';
import { inGroups } from './text-batches.ts';

/** A draft, or nothing; and what it is made from, where there is something, such as a text to translate. */
export type Draft = string | { readonly text: string; readonly source?: string | undefined };
export interface TextEditingOptions extends Omit<EditOptions, 'sources' | 'seed'>, CallOptions {
  /** Makes drawing repeatable: draft i draws with `seed + i`. Default: a random one. */
  readonly seed?: number | undefined;
}
export interface EditedResult {
  readonly generatedText: string;
  /** Sum of the log-probabilities of all edits. */
  readonly score: number;
  /** Revisions that changed the text. */
  readonly revisions: number;
}
/** An event of the search, and the best text as it is then. */
export type TextEditingEvent = EditEvent & { readonly text: string };
export type TextEditing = Calls<Draft, TextEditingOptions, EditedResult> &
  Streams<Draft, TextEditingOptions, TextEditingEvent>;

export const task = defineTask<Draft, TextEditingOptions, EditedResult, TextEditingEvent>({
  name: 'text-editing',
  heads: ['tokenClassification'],
  partner: { name: 'generator', heads: ['seq2seqLM'] },
  modality: 'text',
  expects: 'a text, or { text, source }',
  isInput(value): value is Draft {
    const { text, source = '' } = (value ?? {}) as { readonly text?: unknown; readonly source?: unknown };
    return isText(value) || (isText(text) && isText(source));
  },
  mayBeEmpty: true,
  options: {
    ...{ steps: count, numBeams: count, revisionBeams: count, maxNewTokens: count, topP: share, seed: integer },
    perEdit: flag,
  },
  async run(model, drafts, { batchSize, onProgress, seed, ...options }, generator) {
    const editor = editorOf(model, generator!);
    const read = drafts.map(draft => idsOf(model, draft));
    const results: EditedResult[] = [];
    const lengths = read.map(({ ids, source }) => ids.length + (source?.length ?? 0));
    await inGroups(lengths, { batchSize, onProgress, signal: options.signal }, async group => {
      const batch = group.map(i => read[i]!);
      const { texts } = await editAll(
        editor,
        batch.map(({ ids }) => ids),
        { ...options, ...sourcesOf(batch), ...(seed !== undefined && { seed: group.map(i => seed + i) }) },
      );
      for (const [b, { ids, score, revisions }] of texts.entries())
        results[group[b]!] = {
          generatedText: model.tokenizer.decode(ids, { skipSpecialTokens: true }),
          score,
          revisions,
        };
    });
    return results;
  },
  async *stream(model, draft, options, generator) {
    const read = idsOf(model, draft);
    for await (const event of edit(editorOf(model, generator!), [read.ids], { ...options, ...sourcesOf([read]) })) {
      const best = event.type === 'revision' ? event.texts[0]![0]! : event.texts[0]!;
      yield { ...event, text: model.tokenizer.decode(best.ids, { skipSpecialTokens: true }) };
    }
  },
});

function idsOf({ tokenizer }: Model, draft: Draft) {
  const { text, source } = typeof draft === 'string' ? { text: draft, source: undefined } : draft;
  const ids = tokenizer.encodeIds(text, { addSpecialTokens: false });
  return { ids, source: source === undefined ? undefined : tokenizer.encodeIds(source) };
}
const sourcesOf = (read: readonly { readonly source: readonly number[] | undefined }[]) =>
  read.some(({ source }) => source !== undefined) ? { sources: read.map(({ source }) => source ?? []) } : {};

/** Both networks with the tokens that they were trained with: the start of a text, a sentinel for each filling, the end. */
function editorOf(tagger: Model, generator: Model): ModelEditor {
  const { tokenizer } = tagger;
  const { bos, cls, eos } = tokenizer.specialTokens;
  const startId = bos ?? cls ?? eos;
  const markers: number[] = [];
  const next = () => tokenizer.tokenToId(`<extra_id_${markers.length}>`);
  for (let id = next(); id !== undefined; id = next()) markers.push(id);
  if (startId === undefined || eos === undefined || markers.length === 0)
    throw new ConfigError('the tokenizer is not one for edits', {
      seen: `start ${startId ?? 'none'}, end ${eos ?? 'none'}, ${markers.length} sentinels`,
      expected: 'a token that begins a text, one that ends it, and <extra_id_0> and so on',
    });
  return new ModelEditor(tagger.parts, generator.parts, { startId, markers, endId: eos });
}
