/**
 * Models in a page without a bundler: loads one, streams what it writes, does a task. All computing happens in workers of
 * heed's own, so that the page never waits. The same works in a module worker, which imports `dist/index.js` by its address:
 * import maps hold for pages alone, so chat templates need a bundler there (see ../vite/worker.ts). `?model=` and
 * `?task-model=` name other models, `?lang=` the language.
 */
import { load, memoryFiles, pipeline, urlFiles } from 'heed';

const asked = new URLSearchParams(location.search);
const german = (asked.get('lang') ?? navigator.language).startsWith('de');
const say = (english, ofGerman) => (german ? ofGerman : english);
const element = id => document.getElementById(id);

if (german) {
  document.documentElement.lang = 'de';
  for (const node of document.querySelectorAll('[data-de]')) node.textContent = node.dataset.de;
}
/** Names and ids are for `load` to find; the rest are addresses. */
const sourceOf = name => (/^(https?:|\.{0,2}\/)/.test(name) ? urlFiles(name) : name);

function tell(text, isError = false) {
  element('message').textContent = text;
  element('message').classList.toggle('error', isError);
}
const onProgress = ({ loadedBytes, totalBytes }) => {
  element('loading').value = totalBytes ? loadedBytes / totalBytes : 0;
};
/** Does something that takes a while, and says what went wrong. */
async function trying(what, work) {
  tell(what);
  try {
    await work();
    tell('');
  } catch (error) {
    tell(String(error), true);
  }
}

let model;
let stopping;

async function open(source, name) {
  stopping?.abort();
  element('write').disabled = true;
  element('loading').hidden = false;
  await trying(`${say('Loading', 'Lädt')} ${name} …`, async () => {
    const loaded = await load(source, { onProgress });
    model?.dispose();
    model = loaded;
    const { threads } = model.parts.backend.link;
    element('machine').textContent = crossOriginIsolated
      ? say(`isolated: ${threads} threads`, `isoliert: ${threads} Threads`)
      : say('not isolated: one thread', 'nicht isoliert: ein Thread');
  });
  element('loading').hidden = true;
  element('write').disabled = model === undefined;
}

/** Where the context is full, its beginning is let go of. */
const SAMPLING = { maxNewTokens: 120, temperature: 0.7, topK: 40, overflow: 'slide' };

async function write(prompt) {
  const began = performance.now();
  let count = 0;
  const show = ms => {
    const perSecond = ((1000 * count) / ms).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 0 });
    element('speed').textContent = `${count} Tokens · ${perSecond} ${say('tokens per second', 'Tokens je Sekunde')}`;
  };
  stopping = new AbortController();
  element('write').disabled = true;
  element('stop').disabled = false;
  const beginning = document.createElement('b');
  beginning.textContent = prompt;
  element('text').replaceChildren(beginning);
  const { signal } = stopping;
  await trying('', async () => {
    try {
      for await (const event of model.generate(prompt, { ...SAMPLING, signal })) {
        element('text').append(event.text);
        if (event.type === 'token') count++;
        show(event.type === 'done' ? event.stats.promptMs + event.stats.generationMs : performance.now() - began);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  });
  element('stop').disabled = true;
  element('write').disabled = false;
}

const TASKS = {
  'fill-mask': { model: 'kleinwelt-bert', text: say('The dog [MASK] the cat.', 'Der Hund [MASK] die Katze.') },
  'text-classification': {
    model: 'kleinwelt-bert-sentiment',
    text: say('The meal is wonderful.', 'Das Essen ist wunderbar.'),
  },
};
let task;

async function run(name, from, text) {
  await trying(say('Working …', 'Rechnet …'), async () => {
    if (task?.task !== name || task.from !== from) {
      task?.dispose();
      task = Object.assign(await pipeline(name, sourceOf(from)), { from });
    }
    const found = await task(text, { topK: 5 });
    element('results').replaceChildren(
      ...found.map(({ label, tokenStr, score }) => {
        const item = document.createElement('li');
        const meter = Object.assign(document.createElement('meter'), { value: score });
        const share = Object.assign(document.createElement('data'), { value: score });
        share.textContent = `${(100 * score).toFixed(1)} %`;
        item.append(label ?? tokenStr, meter, share);
        return item;
      }),
    );
  });
}

const fields = form => Object.fromEntries(new FormData(form));
const onSubmit = (id, act) =>
  element(id).addEventListener('submit', event => {
    event.preventDefault();
    act(fields(element(id)));
  });
const openFiles = files =>
  open(
    memoryFiles(Object.fromEntries([...files].map(file => [file.name, file])), say('your files', 'deine Dateien')),
    '',
  );

onSubmit('choice', fields => open(sourceOf(fields.model), fields.model));
onSubmit('prompt', fields => write(fields.text));
onSubmit('task', fields => run(fields.task, fields.model, fields.text));
element('stop').addEventListener('click', () => stopping.abort());
element('files').addEventListener('change', event => openFiles(event.target.files));
addEventListener('dragover', event => {
  event.preventDefault();
  document.body.classList.add('over');
});
addEventListener('dragleave', () => document.body.classList.remove('over'));
addEventListener('drop', event => {
  event.preventDefault();
  document.body.classList.remove('over');
  if (event.dataTransfer.files.length > 0) openFiles(event.dataTransfer.files);
});

function example() {
  const { elements } = element('task');
  const { model, text } = TASKS[elements.task.value];
  elements.model.value = asked.get('task-model') ?? model;
  elements.text.value = text;
}
element('task').elements.task.addEventListener('change', example);
example();
const first = asked.get('model') ?? 'kleinwelt-llama';
element('choice').elements.model.value = first;
element('prompt').elements.text.value = say('The dog', 'Der Hund');
await open(sourceOf(first), first);
