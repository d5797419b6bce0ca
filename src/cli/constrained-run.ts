/** Options of `heed run` that say which form the output has and what writes ahead of the model. */
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../errors.ts';
import { type Constraint, type GenerateOptions, jsonSchema, regex } from '../generate/index.ts';
import { load } from '../hub/load.ts';
import type { Model } from '../hub/model.ts';
import { grouped, type Values } from './command.ts';
import type { OpenModel } from './open-model.ts';

export const CONSTRAINED_RUN_OPTIONS = {
  ...grouped('Form of the output', {
    'json-schema': { kind: 'text', value: 'FILE', help: 'JSON that is valid under the schema in this file' },
    regex: { kind: 'text', value: 'PATTERN', help: 'a text that this regular expression matches as a whole' },
  }),
  ...grouped('Speed', {
    draft: { kind: 'text', value: 'MODEL', help: 'a smaller model of the same vocabulary that writes ahead' },
    'prompt-lookup': { kind: 'flag', help: 'write ahead what stood in the text before' },
    'draft-tokens': {
      kind: 'integer',
      sets: 'draftTokens',
      value: 'N',
      min: 1,
      help: 'most tokens that are written ahead at once (default 5, 10 from the text)',
    },
  }),
} as const;
type ConstrainedValues = Values<typeof CONSTRAINED_RUN_OPTIONS>;

/** What contradicts itself in the options, if anything does. */
export function constrainedRunProblem(values: ConstrainedValues, beams: number): string | undefined {
  const writesAhead = values.draft !== undefined || values['prompt-lookup'];
  if (values['json-schema'] !== undefined && values.regex !== undefined)
    return '--json-schema and --regex are two forms: choose one';
  if (values.draft !== undefined && values['prompt-lookup'])
    return '--draft and --prompt-lookup are two ways to write ahead: choose one';
  if (values['draft-tokens'] !== undefined && !writesAhead) return '--draft-tokens needs --draft or --prompt-lookup';
  if (writesAhead && beams > 1) return 'nothing is written ahead in a beam search: leave --beams or the draft out';
  return undefined;
}

/**
 * The constraint and the draft that are asked for. A draft model is the caller's to dispose.
 * @throws ConfigError for a schema that cannot be read or kept to, what `load` throws for the draft model
 */
export async function constrainedRun(
  values: ConstrainedValues,
  { backend }: OpenModel,
  signal: AbortSignal,
): Promise<Pick<GenerateOptions, 'constraint' | 'draft'> & { readonly draftModel: Model | undefined }> {
  const constraint = await constraintOf(values);
  const draftModel = values.draft === undefined ? undefined : await load(values.draft, { backend, signal });
  const draft = draftModel ?? (values['prompt-lookup'] ? { promptLookup: {} } : undefined);
  return { draftModel, ...(constraint && { constraint }), ...(draft && { draft }) };
}

async function constraintOf({
  'json-schema': file,
  regex: pattern,
}: ConstrainedValues): Promise<Constraint | undefined> {
  if (pattern !== undefined) return regex(pattern);
  if (file === undefined) return undefined;
  let schema: unknown;
  try {
    schema = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new ConfigError('the JSON schema cannot be read', {
      seen: cause instanceof Error ? cause.message : String(cause),
      expected: 'a file with a JSON schema',
      where: file,
      cause,
    });
  }
  return jsonSchema(schema);
}
