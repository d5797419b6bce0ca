/** `heed convert`: a model from one format into another, at full or half precision. `quantize` makes smaller files. */
import { existsSync } from 'node:fs';
import { ConfigError } from '../../errors.ts';
import { quantizeModel } from '../../hub/quantize-model.ts';
import { defineCommand } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { wrap } from '../layout.ts';
import { openModel } from '../open-model.ts';
import { CACHE_OPTION, ENGINE_OPTIONS, OUTPUT_OPTIONS } from '../options.ts';
import { createTransferBar } from '../transfer-bar.ts';
import { wordingFor } from '../wording.ts';

export const convert = defineCommand({
  name: 'convert',
  summary: 'writes a model in another format: as a GGUF file, or as a folder with safetensors.',
  positionals: [
    {
      name: 'SOURCE',
      help: 'model folder (safetensors or PyTorch weights), a .gguf file, a bundled model, or one on the hub, org/name',
    },
    { name: 'TARGET', help: 'FILE.gguf, or the folder to write' },
  ],
  options: {
    type: {
      kind: 'text',
      value: 'TYPE',
      choices: ['f32', 'f16', 'bf16'],
      help: 'numbers of the weights: f32 (default), f16 or bf16; heed quantize makes smaller ones',
    },
    force: { kind: 'flag', help: 'in the place of a model that is there' },
    ...CACHE_OPTION,
    ...ENGINE_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    { line: 'heed convert kleinwelt-llama kleinwelt.gguf --type f16', does: 'a folder as one file' },
    { line: 'heed convert kleinwelt.gguf ./kleinwelt-again', does: 'and a file as a folder' },
  ],
  async run({ values, positionals: [source, target], terminal, signal }) {
    const { say, numbers } = wordingFor(values, terminal);
    const { type = 'f32', force } = values;
    if (!force && existsSync(target!))
      throw new ConfigError('there is such a file or folder already', {
        fix: 'choose another name, or --force',
        where: target,
      });
    const bar = createTransferBar(terminal, say, numbers);
    const onProgress = (progress: { tensor: string; writtenBytes: number; totalBytes: number }) =>
      bar.show(progress.tensor, progress.writtenBytes, progress.totalBytes);
    const how = { overwrite: force, signal, onProgress };
    if (target!.endsWith('.gguf')) {
      const { cacheDir, env } = { cacheDir: values['cache-dir'], env: terminal.env };
      const report = await quantizeModel(source!, target!, { type, cacheDir, env, ...how }).finally(bar.clear);
      const { tensors, bytesBefore, bytesAfter, leftOut } = report;
      if (values.json)
        return terminal.write(
          `${jsonText({ target, type, tensors: tensors.length, bytesBefore, bytesAfter, leftOut })}\n`,
        );
      terminal.write(`${target}  ${numbers.bytes(bytesAfter)}, ${tensors.length} ${say('tensors')}, ${type}\n`);
      if (leftOut.length > 0) terminal.note(`${wrap(`${say('leftOut')}: ${leftOut.join(', ')}`, terminal.columns)}\n`);
      return;
    }
    const { model, close } = await openModel(source!, { engine: values, terminal, say, numbers, signal });
    try {
      const files = await model.save(target!, { dtype: type, ...how }).finally(bar.clear);
      if (values.json) terminal.write(`${jsonText({ target, type, files })}\n`);
      else terminal.write(`${target}  ${files.join(', ')}, ${type}\n`);
      // The vocabulary of a GGUF file has no form of its own beside the weights.
      if (!files.some(name => /^(tokenizer|vocab)/.test(name)))
        terminal.note(`${wrap(say('noTokenizerWritten'), terminal.columns)}\n`);
    } finally {
      close();
    }
  },
});
