/** The tokenizer of a folder, a file, or a model on the hub. */

import { TokenizerError } from '../errors.ts';
import { openGgufModel } from '../hub/gguf.ts';
import { hubFiles } from '../hub/hub-files.ts';
import { isHubId, placeOf } from '../hub/load.ts';
import { readFile } from '../hub/read-json.ts';
import { loadTokenizer, loadTokenizerFrom, type Tokenizer, tokenizerFromGguf } from '../tokenizers/index.ts';
import type { Terminal } from './terminal.ts';

/** Of a model on the hub only the tokenizer's files are fetched. @throws TokenizerError and what `hubFiles` throws */
export async function tokenizerAt(
  source: string,
  { env }: Pick<Terminal, 'env'>,
  signal: AbortSignal,
): Promise<Tokenizer> {
  if (!isHubId(source)) return loadTokenizer(placeOf(source));
  const files = hubFiles(source, { env, signal, weightsInPlace: true });
  const gguf = await openGgufModel(files, signal);
  if (gguf) {
    await gguf.checkpoint.close();
    return tokenizerFromGguf(gguf.file.head);
  }
  const tokenizer = await loadTokenizerFrom(file => readFile(files, file, signal), await files.list());
  if (tokenizer) return tokenizer;
  throw new TokenizerError('the model has no tokenizer', { seen: (await files.list()).join(', '), where: files.name });
}
