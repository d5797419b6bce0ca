/** Options that several commands share. */
import { grouped } from './command.ts';

/** Where and how to compute. */
export const ENGINE_OPTIONS = grouped('Engine', {
  threads: {
    kind: 'integer',
    value: 'N',
    min: 0,
    help: 'worker threads; 0 computes on the main thread (default: the cores, at most 8)',
  },
  device: {
    kind: 'text',
    value: 'NAME',
    choices: ['wasm', 'reference'],
    help: 'wasm (default), or the slow and plain reference backend',
  },
  'no-revectorize': { kind: 'flag', help: "leave V8's 256-bit vectoriser off" },
});

/** How to show it. */
export const OUTPUT_OPTIONS = grouped('Output', {
  json: { kind: 'flag', help: 'print one JSON value instead of text for people' },
  lang: { kind: 'text', value: 'LANG', choices: ['en', 'de'], help: 'language of headings (default: from LANG)' },
});

/** The end of the help of an argument that is a text. */
export const FROM_INPUT = '- or nothing reads standard input, without the line end it closes with';
/** The same where it may be several texts. */
export const FROM_LINES = '- or nothing reads standard input, a text per line';

/** Ids in place of a text, for models without a tokenizer. */
export const IDS_OPTION = {
  ids: { kind: 'ids', value: 'IDS', help: 'token ids instead of a text: 464,2068,7586' },
} as const;

/** Where downloaded models are. */
export const CACHE_OPTION = {
  'cache-dir': {
    kind: 'text',
    value: 'DIR',
    help: 'folder of downloaded models (default: HF_HUB_CACHE, or hub in HF_HOME, which Python tools use too)',
  },
} as const;

/** Adapters on top of the model. */
export const ADAPTER_OPTION = {
  adapter: {
    kind: 'list',
    value: 'FOLDER[:SCALE]',
    help: 'apply a PEFT adapter (LoRA, DoRA), scaled if a number follows; may be given several times',
  },
} as const;
