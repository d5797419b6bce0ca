/** Which files of a repository a model needs: its settings, its tokenizer and one form of its weights. */
import { CheckpointError } from '../errors.ts';
import { quoted } from '../formats/quoted.ts';

/** Forms of weights, in the order in which loading prefers them. */
const WEIGHTS: readonly RegExp[] = [
  /^model\.safetensors$/,
  /^model(-\d+-of-\d+\.safetensors|\.safetensors\.index\.json)$/,
  /^pytorch_model\.bin$/,
  /^pytorch_model(-\d+-of-\d+\.bin|\.bin\.index\.json)$/,
  /^adapter_model\.safetensors$/,
  /^adapter_model\.bin$/,
  /\.gguf$/,
];
/** Settings, vocabularies, templates. Indexes belong to their weights. */
const TEXT = /(?<!\.index)\.json$|\.(txt|jinja|model|tiktoken)$/;
/** Layers behind an encoder, each in a folder of its own: `1_Pooling/`, `2_Dense/`. */
const MODULE = /^\d+_[^/]+\//;

/** The same for all parts of one file, and for their index. */
export const familyOf = (path: string): string =>
  path.replace(/-\d+-of-\d+(?=\.\w+$)/, '').replace(/\.index\.json$/, '');

/**
 * The paths that are needed of all there are. Of folders only the modules of sentence encoders are.
 * @param weights the weights file that was chosen; default: the form that loading prefers
 * @throws CheckpointError when there are no weights among them, or several to choose from
 */
export function neededFiles(paths: readonly string[], where: string, weights?: string): string[] {
  const folders = ['', ...new Set(paths.flatMap(path => MODULE.exec(path)?.[0] ?? []))];
  return folders.flatMap(folder => {
    const below = paths.filter(path => path.startsWith(folder)).map(path => path.slice(folder.length));
    const names = below.filter(name => !name.includes('/'));
    const chosen = weightsOf(names, folder === '' ? weights : undefined);
    if (folder === '') checkChosen(chosen, names, where);
    return names.filter(name => TEXT.test(name) || chosen.includes(name)).map(name => folder + name);
  });
}

function weightsOf(names: readonly string[], weights: string | undefined): readonly string[] {
  if (weights !== undefined) return names.filter(name => familyOf(name) === familyOf(weights));
  return WEIGHTS.map(form => names.filter(name => form.test(name))).find(found => found.length > 0) ?? [];
}

function checkChosen(chosen: readonly string[], names: readonly string[], where: string): void {
  const shown = (list: readonly string[]) =>
    list.slice(0, 20).map(quoted).join(', ') + (list.length > 20 ? ` and ${list.length - 20} more` : '');
  const [first = ''] = chosen;
  if (chosen.length === 0)
    throw new CheckpointError('the model has no weights that heed reads', {
      seen: names.length === 0 ? 'no files' : shown(names),
      expected: 'model.safetensors, pytorch_model.bin, either in parts with an index, or a .gguf file',
      where,
    });
  if (chosen.some(name => familyOf(name) !== familyOf(first)))
    throw new CheckpointError('the model has several weights to choose from', {
      seen: shown(chosen),
      fix: `name one: ${where.replace(/@main$/, '')}/${first}`,
      where,
    });
}
