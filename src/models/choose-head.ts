/** Which head a checkpoint is to run under: what its config says, or else what its weights are enough for. */
import { CheckpointError, UnsupportedError } from '../errors.ts';
import { listParams } from '../nn/params.ts';
import { type Architecture, HEAD_NAMES, type HeadName } from './architecture.ts';

/** Heads by the ending of the reference's class names; of several the first that the architecture has. */
const OF_CLASS: readonly (readonly [ending: string, ...heads: HeadName[]])[] = [
  ['ForCausalLM', 'causalLM', 'maskedLM'],
  ['LMHeadModel', 'causalLM', 'maskedLM'],
  ['DoubleHeadsModel', 'causalLM'],
  ['ForConditionalGeneration', 'seq2seqLM'],
  ['MTModel', 'seq2seqLM'],
  ['ForMaskedLM', 'maskedLM'],
  ['ForPreTraining', 'pretraining', 'replacedToken'],
  ['ForNextSentencePrediction', 'nextSentence'],
  ['ForSequenceClassification', 'sequenceClassification'],
  ['ForTokenClassification', 'tokenClassification'],
  ['ForQuestionAnswering', 'questionAnswering'],
  ['ForQuestionAnsweringSimple', 'questionAnswering'],
  ['ForImageClassification', 'imageClassification'],
  ['EncoderModel', 'base'],
];

interface Given<C> {
  readonly architecture: Architecture<C>;
  readonly config: C;
  /** Parsed config.json. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Names of the checkpoint's tensors. */
  readonly tensors: Iterable<string>;
}

/**
 * The head asked for, or the one that `architectures` names, or the first whose parameters are all there.
 * @throws CheckpointError when the weights do not hold that head but would do for another, UnsupportedError when the family
 * has no head of the class that is named
 */
export function chooseHead<C>(given: Given<C>, asked?: HeadName): HeadName {
  const listed = headsOf(given.architecture);
  const named = asked ?? headOfClass(given);
  const [only] = listed;
  if (!named && listed.length === 1) return only!;
  const missing = missingByHead(given);
  const complete = listed.filter(head => missing.get(head)!.length === 0);
  const head = named ?? complete[0] ?? only!;
  const lacks = missing.get(head);
  // When no head is complete the weights are broken or another model's: loading them says what is wrong.
  if (!lacks?.length || complete.length === 0) return head;
  throw new CheckpointError(`the checkpoint has no ${head} head`, {
    seen: `no ${lacks.slice(0, 4).join(', ')}${lacks.length > 4 ? ` and ${lacks.length - 4} more` : ''}`,
    expected: `one of ${complete.join(', ')}`,
    fix: `load it with head: '${complete[0]}', take a checkpoint that was trained for it, or train a new head (newHead)`,
  });
}

const headsOf = (architecture: Pick<Architecture, 'heads'>): HeadName[] =>
  HEAD_NAMES.filter(name => architecture.heads[name]);

/**
 * The reference's class name for a model under a head, where the config has one for it or for another head of its family;
 * undefined when it has none.
 */
export function classOfHead<C>(given: Omit<Given<C>, 'tensors' | 'config'>, head: HeadName): string | undefined {
  const { architectures } = given.json;
  const name = Array.isArray(architectures) ? String(architectures[0]) : '';
  if (name && headOfClass(given) === head) return name;
  const own = OF_CLASS.find(([ending]) => name.endsWith(ending))?.[0] ?? (name.endsWith('Model') ? 'Model' : undefined);
  const other = OF_CLASS.find(([, ...heads]) => heads.find(x => given.architecture.heads[x]) === head)?.[0] ?? 'Model';
  return own && name.slice(0, -own.length) + other;
}

function headOfClass<C>({ architecture, json }: Pick<Given<C>, 'architecture' | 'json'>): HeadName | undefined {
  const name = Array.isArray(json.architectures) ? String(json.architectures[0]) : '';
  const [, ...heads] = OF_CLASS.find(([ending]) => name.endsWith(ending)) ?? [''];
  const found = heads.find(head => architecture.heads[head]);
  if (found || !/For[A-Z]\w*$/.test(name)) return found;
  throw new UnsupportedError(`${architecture.name} has no head like the one of this checkpoint`, {
    seen: name,
    expected: headsOf(architecture).join(', '),
    fix: `load it with one of these, such as head: '${headsOf(architecture)[0]}', if that is what you want`,
  });
}

/** For each head the parameters that the checkpoint does not hold. */
function missingByHead<C>({ architecture, config, tensors }: Given<C>): Map<HeadName, string[]> {
  const there = new Set<string>();
  for (const key of tensors) {
    const name = architecture.rename(key, config);
    if (name !== undefined) there.add(name);
  }
  return new Map(
    headsOf(architecture).map(head => {
      const spec = architecture.heads[head]!.parameters(config);
      const needed = listParams(spec).filter(([, { constant }]) => constant !== 'buffer');
      return [head, needed.flatMap(([name]) => (there.has(name) ? [] : [name]))];
    }),
  );
}
