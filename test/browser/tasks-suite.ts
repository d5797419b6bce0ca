/**
 * The tasks in a page: what transformers gives on the same tiny checkpoints, events and stopping, the models that come with
 * heed, and heed in a worker of the page's own.
 */
import { createWasmBackend, type WasmBackend } from '../../src/backends/wasm/index.ts';
import type { TextEvent } from '../../src/generate/index.ts';
import { BUNDLED, type BundledName } from '../../src/hub/bundled.ts';
import { urlFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import { pipeline } from '../../src/tasks/pipeline.ts';
import type { TaskName } from '../../src/tasks/task-map.ts';
import { equal, failure, fetchBytes, type Suite } from './check.ts';
import type { Written } from './load-worker.ts';

interface Case {
  readonly checkpoint: string;
  readonly task: TaskName;
  readonly input: unknown;
  readonly options?: object;
  readonly expected: unknown;
}
/** A pipeline whose types are not looked at. */
type AnyPipeline = ((input: unknown, options?: object) => Promise<unknown>) & {
  stream(input: unknown, options?: object): AsyncIterable<TextEvent>;
  dispose(): void;
};

const text = new TextDecoder().decode(await fetchBytes('/data/tasks', 'pipelines.json'));
const cases = JSON.parse(text) as Case[];
/** A picture and a sound that the script that made the data knows by their names. */
const MEDIA: Readonly<Record<string, unknown>> = {
  'pattern 20 x 12': { width: 20, height: 12, data: Uint8Array.from({ length: 720 }, (_, i) => (i * 37 + 11) % 256) },
  'chirp of 3000 samples': Float32Array.from({ length: 3000 }, (_, i) => Math.sin(i * i * 1e-5) / 2),
};
const TOLERANCE = 2e-5;

/** The first place where a result is not as expected: numbers to 2e-5 of their size, all else exactly. */
function difference(seen: unknown, expected: unknown, path = 'result'): string | undefined {
  if (typeof expected === 'number') {
    const isNear = Math.abs((seen as number) - expected) <= TOLERANCE * Math.max(1, Math.abs(expected));
    return isNear ? undefined : `${path}: ${seen} instead of ${expected}`;
  }
  if (Array.isArray(expected) && (seen as unknown[]).length !== expected.length)
    return `${path}: ${(seen as unknown[]).length} instead of ${expected.length}`;
  if (typeof expected !== 'object' || expected === null)
    return seen === expected ? undefined : `${path}: ${seen} instead of ${expected}`;
  for (const [name, value] of Object.entries(expected)) {
    const found = difference((seen as Readonly<Record<string, unknown>>)[name], value, `${path}.${name}`);
    if (found) return found;
  }
  return undefined;
}

async function withBackend(body: (backend: WasmBackend) => Promise<string | void>): Promise<string | void> {
  const backend = await createWasmBackend();
  try {
    return await body(backend);
  } finally {
    backend.close();
  }
}
async function opened(task: TaskName, checkpoint: string, backend: WasmBackend): Promise<AnyPipeline> {
  return (await pipeline(task, urlFiles(`/tiny/${checkpoint}`), { backend })) as unknown as AnyPipeline;
}

function asTransformers(task: TaskName, calls: readonly Case[]): () => Promise<string | void> {
  return () =>
    withBackend(async backend => {
      for (const checkpoint of new Set(calls.map(call => call.checkpoint))) {
        const pipe = await opened(task, checkpoint, backend);
        for (const { input, options, expected } of calls.filter(call => call.checkpoint === checkpoint)) {
          const found = difference(await pipe(MEDIA[input as string] ?? input, options), expected);
          if (found) throw new Error(`${checkpoint}, ${JSON.stringify(options)}: ${found}`);
        }
        pipe.dispose();
      }
      return `${calls.length} calls`;
    });
}
const taskTests = [...new Set(cases.map(({ task }) => task))].map(
  task =>
    [
      `${task} = transformers`,
      asTransformers(
        task,
        cases.filter(one => one.task === task),
      ),
    ] as const,
);

/** What each of heed's own models is asked for in its test, and what is wrong with a result, if anything is. */
const CONTEXT = 'Anna wohnt in Berlin. Der Hund jagt die Katze.';
const hasText = (field: string) => (result: unknown) =>
  String((result as Readonly<Record<string, string>>[])[0]![field]).trim() ? undefined : 'no text';
const isShare = (score: number) => score > 0 && score <= 1;
const isRanked = (result: unknown) => {
  const scores = (result as { score: number }[]).map(({ score }) => score);
  return scores.length > 0 && scores.every((score, i) => isShare(score) && score <= (scores[i - 1] ?? 1))
    ? undefined
    : 'scores';
};
const written = { maxNewTokens: 16, temperature: 0 };
type BundledCall = readonly [TaskName, unknown, object, (result: unknown) => string | undefined];
const OWN: Readonly<Record<BundledName, readonly BundledCall[]>> = {
  'kleinwelt-llama': [['text-generation', 'Der Hund', { ...written, returnFullText: false }, hasText('generatedText')]],
  'kleinwelt-lstm': [['text-generation', 'Der Hund', { ...written, returnFullText: false }, hasText('generatedText')]],
  'kleinwelt-bert': [['fill-mask', 'Der [MASK] jagt die Katze.', {}, isRanked]],
  'kleinwelt-bert-sentiment': [['text-classification', 'Der Hund ist sehr nett.', { topK: 3 }, isRanked]],
  'kleinwelt-bert-entities': [
    [
      ...(['token-classification', CONTEXT, { aggregationStrategy: 'simple' }] as const),
      found =>
        (found as { start: number; end: number; score: number }[]).every(
          ({ start, end, score }) => isShare(score) && CONTEXT.slice(start, end).trim() !== '',
        )
          ? undefined
          : 'places',
    ],
  ],
  'kleinwelt-bert-answers': [
    [
      ...(['question-answering', { question: 'Wo wohnt Anna?', context: CONTEXT }, {}] as const),
      found => {
        const { start, end, answer } = found as { start: number; end: number; answer: string };
        return answer && CONTEXT.slice(start, end) === answer ? undefined : 'place';
      },
    ],
  ],
  'kleinwelt-bert-sentences': [
    [
      'feature-extraction',
      ['Der Hund bellt.', 'The dog barks.'],
      {},
      found => ((found as unknown[]).length === 2 ? undefined : 'vectors'),
    ],
    [
      ...([
        'sentence-similarity',
        { sourceSentence: 'Der Hund bellt.', sentences: ['The dog barks.', 'Das Haus.'] },
        {},
      ] as const),
      found => ((found as number[]).every(score => Math.abs(score) <= 1.0001) ? undefined : 'similarities'),
    ],
  ],
  'kleinwelt-marian': (['translation', 'summarization', 'text2text-generation'] as const).map(task => [
    ...([task, CONTEXT, { ...written, ...(task === 'translation' && { srcLang: 'de', tgtLang: 'en' }) }] as const),
    hasText(
      { translation: 'translationText', summarization: 'summaryText', 'text2text-generation': 'generatedText' }[task],
    ),
  ]),
  'kleinwelt-diffusion': [
    ['denoise', 'Der Hund', { genLength: 12, steps: 6, seed: 1 }, found => hasText('generatedText')([found])],
  ],
  'kleinwelt-edits': [
    [
      'text-editing',
      'Der Hund jagen die die Katze.',
      {},
      found => (JSON.stringify(found).length > 2 ? undefined : 'no text'),
    ],
  ],
};
const ownTests = BUNDLED.map(
  name =>
    [
      `${name} does its tasks`,
      () =>
        withBackend(async backend => {
          const notes: string[] = [];
          for (const [task, input, options, wrong] of OWN[name]) {
            const pipe = (await pipeline(task, name, { backend })) as unknown as AnyPipeline;
            const found = await pipe(input, options);
            const shown = `${task}: ${JSON.stringify(found)?.slice(0, 100)}`;
            const problem = wrong(found);
            if (problem) throw new Error(`${problem}; ${shown}`);
            notes.push(shown);
            pipe.dispose();
          }
          return notes.join('; ');
        }),
    ] as const,
);

export const tasksSuite: Suite = {
  ...Object.fromEntries(taskTests),
  ...Object.fromEntries(ownTests),

  'text comes as events, and stops where it is told to': () =>
    withBackend(async backend => {
      const pipe = await opened('text-generation', 'gpt', backend);
      const options = { maxNewTokens: 12, temperature: 0, eosTokenId: [] };
      const [whole] = (await pipe('der hund', { ...options, returnFullText: false })) as { generatedText: string }[];
      let joined = '';
      for await (const event of pipe.stream('der hund', options)) joined += event.text;
      equal(joined, whole!.generatedText, 'text of the events');
      const stopping = new AbortController();
      let tokens = 0;
      const message = await failure(async () => {
        for await (const event of pipe.stream('der hund', { ...options, signal: stopping.signal }))
          if (event.type === 'token' && ++tokens === 3) stopping.abort(new Error('enough'));
      });
      equal([message, tokens], ['Error: enough', 3], 'stopping');
      pipe.dispose();
    }),

  'every state of a denoising is an event': () =>
    withBackend(async backend => {
      const pipe = await opened('denoise', 'mlm', backend);
      const hidden: number[] = [];
      for await (const event of pipe.stream('der [MASK] [MASK] [MASK] berlin', { steps: 3 }))
        hidden.push(event.text.split('[MASK]').length - 1);
      equal(hidden, [2, 1, 0, 0], 'masks after each step');
      pipe.dispose();
    }),

  "in a worker of the page's own heed does the same": () =>
    withBackend(async backend => {
      const model = await load(urlFiles('/tiny/gpt'), { backend });
      let expected = '';
      for await (const event of model.generate('der hund', { maxNewTokens: 8, temperature: 0 })) expected += event.text;
      const worker = new Worker('/test/browser/load-worker.js', { type: 'module' });
      try {
        const answer = await new Promise<Written>((done, fail) => {
          worker.onmessage = ({ data }) => done(data);
          worker.onerror = event => fail(new Error(event.message));
          worker.postMessage({ address: `${location.origin}/tiny/gpt`, prompt: 'der hund' });
        });
        equal(answer, { text: expected, link: crossOriginIsolated ? 'shared' : 'remote' }, 'answer');
        return `${answer.link}`;
      } finally {
        worker.terminate();
        model.dispose();
      }
    }),
};
