/** Tiny checkpoints as folders, for commands that take a path. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tinyFiles } from '../tasks/tiny-checkpoints.ts';
import { unigram } from '../tasks/tiny-tokenizers.ts';

const SENTINELS = { '<pad>': 0, '</s>': 1, '<unk>': 2, '<extra_id_0>': 3, '<extra_id_1>': 4 };

/** A tagger of edits with its generator in a folder of its own: `edits`. */
function editFiles(): Record<string, Uint8Array> {
  const { 'tokenizer_config.json': _, ...tagger } = tinyFiles('ner-tags');
  const tokenizer = unigram(SENTINELS, 120, ['A', '</s>'], ['A', '</s>', 'B', '</s>']);
  return {
    ...tagger,
    'tokenizer.json': new TextEncoder().encode(JSON.stringify(tokenizer)),
    ...Object.fromEntries(Object.entries(tinyFiles('t5')).map(([file, bytes]) => [`generator/${file}`, bytes])),
  };
}

/** Writes the checkpoint of this name, or `edits`, into a folder. */
export function writeTiny(folder: string, name: string): void {
  for (const [file, bytes] of Object.entries(name === 'edits' ? editFiles() : tinyFiles(name))) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

/** A WAV file of a sound at 16 kHz that goes higher, about half a second of it. */
export function tinyRecording(): Uint8Array {
  const samples = Array.from({ length: 9000 }, (_, i) => Math.round(16_000 * Math.sin(i * i * 1e-5)));
  const letters = (text: string) => [...text].map(letter => letter.charCodeAt(0));
  const little = (bytes: number, value: number) => Array.from({ length: bytes }, (_, i) => (value >> (8 * i)) & 255);
  const data = samples.flatMap(sample => little(2, sample));
  return Uint8Array.from([
    ...[...letters('RIFF'), ...little(4, 36 + data.length), ...letters('WAVEfmt '), ...little(4, 16)],
    // PCM, one channel, samples and bytes in a second, bytes and bits of a sample.
    ...[...little(2, 1), ...little(2, 1), ...little(4, 16_000), ...little(4, 32_000)],
    ...[...little(2, 2), ...little(2, 16)],
    ...[...letters('data'), ...little(4, data.length), ...data],
  ]);
}
