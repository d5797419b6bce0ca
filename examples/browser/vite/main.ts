/** The page: text from heed, which runs here or in `worker.ts`, and a gap that is filled. `?lang=` chooses the language. */
import { pipeline } from 'heed';
import '../plain/style.css';
import type { FromWorker, ToWorker } from './worker.ts';
import { type Piece, type Wish, write } from './write.ts';

const german = (new URLSearchParams(location.search).get('lang') ?? navigator.language).startsWith('de');
const say = (english: string, ofGerman: string) => (german ? ofGerman : english);
const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
if (german) {
  document.documentElement.lang = 'de';
  for (const node of document.querySelectorAll<HTMLElement>('[data-de]')) node.textContent = node.dataset.de!;
}

/** Of the bundled models that vite.config.ts has put into `models/` one is a single file. */
const FILES: Readonly<Record<string, string>> = { 'kleinwelt-llama': 'model-q8_0.gguf' };
/** Where a bundled model lies; ids of the hub and addresses are what they are. */
const placeOf = (name: string) =>
  /[/:]/.test(name) ? name : new URL(`models/${name}/${FILES[name] ?? ''}`, document.baseURI).href;

let worker: Worker | undefined;
/** The same as `write`, in the worker. */
async function* writeInWorker(wish: Wish, signal: AbortSignal): AsyncGenerator<Piece> {
  worker ??= new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const heard: FromWorker[] = [];
  let wake = () => {};
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    heard.push(data);
    wake();
  };
  worker.onerror = event => {
    heard.push({ done: true, error: event.message });
    wake();
  };
  const tell = (message: ToWorker) => worker!.postMessage(message);
  signal.addEventListener('abort', () => tell('stop'));
  tell(wish);
  for (;;) {
    const next = heard.shift();
    if (!next)
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    else if (!('done' in next)) yield next;
    else if (next.error !== undefined) throw new Error(next.error);
    else return;
  }
}

/** Does something that takes a while, and says what went wrong. */
async function trying(what: string, work: () => Promise<void>): Promise<void> {
  const message = element('message');
  message.className = '';
  message.textContent = what;
  try {
    await work();
    message.textContent = '';
  } catch (error) {
    message.className = 'error';
    message.textContent = String(error);
  }
}
function onSubmit(id: string, act: (field: (name: string) => string) => Promise<void>): void {
  const form = element<HTMLFormElement>(id);
  form.addEventListener('submit', event => {
    event.preventDefault();
    const fields = new FormData(form);
    void trying(say('Working …', 'Rechnet …'), () => act(name => String(fields.get(name) ?? '')));
  });
}

let stopping = new AbortController();
element('stop').addEventListener('click', () => stopping.abort());

onSubmit('prompt', async field => {
  const [writeButton, stopButton] = [element<HTMLButtonElement>('write'), element<HTMLButtonElement>('stop')];
  const prompt = field('text');
  const beginning = document.createElement('b');
  beginning.textContent = prompt;
  element('text').replaceChildren(beginning);
  stopping = new AbortController();
  writeButton.disabled = true;
  stopButton.disabled = false;
  try {
    const wish = { model: placeOf(field('model')), prompt };
    const pieces = (field('place') === 'worker' ? writeInWorker : write)(wish, stopping.signal);
    let count = 0;
    let began = 0;
    for await (const { text, tokens, threads } of pieces) {
      element('text').append(text);
      // The first token also waits for the model.
      if (began === 0) began = performance.now();
      else count += tokens;
      const perSecond = Math.round((1000 * count) / Math.max(1, performance.now() - began));
      element('speed').textContent = `${perSecond} ${say('tokens per second', 'Tokens je Sekunde')}`;
      element('machine').textContent =
        `${crossOriginIsolated ? say('isolated', 'isoliert') : say('not isolated', 'nicht isoliert')}, ${threads} ${threads === 1 ? 'Thread' : 'Threads'}`;
    }
  } finally {
    stopButton.disabled = true;
    writeButton.disabled = false;
  }
});

onSubmit('gap', async field => {
  const fill = await pipeline('fill-mask', placeOf('kleinwelt-bert'));
  const found = await fill(field('text'));
  fill.dispose();
  element('results').replaceChildren(
    ...found.map(({ tokenStr, score }) => {
      const item = document.createElement('li');
      const share = document.createElement('data');
      share.textContent = `${(100 * score).toFixed(1)} %`;
      item.append(tokenStr, Object.assign(document.createElement('meter'), { value: score }), share);
      return item;
    }),
  );
});

element<HTMLTextAreaElement>('prompt').querySelector('textarea')!.value = say('The dog', 'Der Hund');
element('gap').querySelector('input')!.value = say('The dog [MASK] the cat.', 'Der Hund [MASK] die Katze.');
