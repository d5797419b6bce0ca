/** A page that stands by itself: the attention of every head on one text as pictures, with what the corpus says about the head. */
import type { PatternBatch } from '../explain/index.ts';
import { escapeXml } from '../util/plot/chart-style.ts';
import type { HeadsWording } from './heads-wording.ts';

export interface HeadsPage {
  readonly language: string;
  readonly title: string;
  /** Of one row. */
  readonly batch: PatternBatch;
  /** Names of the tokens that each stack's queries and keys are. */
  readonly labels: (stack: string) => { readonly queries: readonly string[]; readonly keys: readonly string[] };
  /** What is written under a head: its role and share, and the relations that it finds. */
  readonly caption: (site: string, head: number) => string;
  readonly words: HeadsWording;
}

/** For a script element: no text in it can end it. */
const inScript = (value: unknown) => JSON.stringify(value).replace(/</g, '\\u003c');

/** Weights as one byte each. */
function bytesOf(data: ArrayLike<number>, from: number, n: number): string {
  let text = '';
  for (let i = 0; i < n; i++) text += String.fromCharCode(Math.round(255 * Math.min(1, Math.max(0, data[from + i]!))));
  return btoa(text);
}

/** The page's HTML. It loads nothing. */
export function headsPage({ language, title, batch, labels, caption, words }: HeadsPage): string {
  const figures: string[] = [];
  const heads: unknown[] = [];
  for (const { site, heads: H, queries, keys, data } of batch.patterns) {
    const place = `${site.stack}${site.stack && '.'}${site.layer}`;
    figures.push(`<h2>${escapeXml(`${words.say('layer')} ${place}`)}</h2><div class="row">`);
    for (let head = 0; head < H; head++) {
      const under = `<b>${escapeXml(`${place}.${head}`)}</b> ${escapeXml(caption(site.name, head))}`;
      figures.push(`<figure><canvas data-head="${heads.length}"></canvas><figcaption>${under}</figcaption></figure>`);
      const weights = bytesOf(data, head * queries * keys, queries * keys);
      heads.push({ stack: site.stack, queries, keys, weights });
    }
    figures.push('</div>');
  }
  const stacks = [...new Set(batch.patterns.map(({ site }) => site.stack))];
  const names = Object.fromEntries(stacks.map(stack => [stack, labels(stack)]));
  return `<!doctype html>
<html lang="${escapeXml(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<style>
:root { color-scheme: light dark; --edge: #8886 }
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; max-width: 90rem }
h1 { font-size: 1.3rem } h2 { font-size: 1rem; margin: 1.5rem 0 .5rem }
.row { display: flex; flex-wrap: wrap; gap: 1rem }
figure { margin: 0; width: 132px; font-size: 12px }
canvas { width: 132px; height: 132px; border: 1px solid var(--edge); image-rendering: pixelated; background: #fff }
canvas.large { width: 396px; height: 396px } figure:has(.large) { width: 396px }
#seen { position: fixed; right: 1rem; bottom: 1rem; padding: .4rem .8rem; background: Canvas; border: 1px solid var(--edge) }
#seen:empty { display: none }
</style>
</head>
<body>
<h1>${escapeXml(title)}</h1>
${figures.join('\n')}
<div id="seen" role="status"></div>
<script>
const heads = ${inScript(heads)};
const names = ${inScript(names)};
for (const canvas of document.querySelectorAll('canvas')) {
  const { stack, queries, keys, weights } = heads[canvas.dataset.head];
  const bytes = atob(weights);
  canvas.width = keys; canvas.height = queries;
  const context = canvas.getContext('2d');
  const image = context.createImageData(keys, queries);
  for (let i = 0; i < bytes.length; i++) image.data.set([31, 95, 139, bytes.charCodeAt(i)], 4 * i);
  context.putImageData(image, 0, 0);
  canvas.onclick = () => canvas.classList.toggle('large');
  canvas.onmouseleave = () => { seen.textContent = ''; };
  canvas.onmousemove = event => {
    const q = Math.floor(event.offsetY / canvas.clientHeight * queries);
    const k = Math.floor(event.offsetX / canvas.clientWidth * keys);
    if (q < 0 || k < 0 || q >= queries || k >= keys) return;
    const percent = Math.round(bytes.charCodeAt(q * keys + k) / 2.55);
    seen.textContent = names[stack].queries[q] + ' → ' + names[stack].keys[k] + '  ' + percent + ' %';
  };
}
</script>
</body>
</html>
`;
}
