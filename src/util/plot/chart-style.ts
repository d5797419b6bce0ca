/** What charts have in common: colours for light and dark screens, lettering, text that is safe in XML. */

const LIGHT =
  '--paper:#fff;--ink:#1b2025;--muted:#5c6670;--grid:#e3e7ea;--training:#2563c9;--validation:#c2570c;--rate:#23774a;--norm:#7546b8';
const DARK =
  '--paper:#14171a;--ink:#e7eaed;--muted:#9aa4ad;--grid:#2b3137;--training:#6ea8fe;--validation:#f5a65b;--rate:#6cc795;--norm:#bb9df2';
/** Custom properties for both kinds of screen, below an element. */
export const chartColours = (selector: string): string =>
  `${selector}{${LIGHT};color-scheme:light dark}@media(prefers-color-scheme:dark){${selector}{${DARK}}}`;
export const CHART_STYLE = [
  '.chart{font:13px system-ui,sans-serif;font-variant-numeric:tabular-nums;display:block;width:100%;height:auto}',
  '.chart text{fill:var(--muted)}.chart .title{fill:var(--ink);font-weight:600}.chart .mark{fill:var(--ink)}',
  '.chart .grid{stroke:var(--grid)}.chart .line{fill:none;stroke-width:2;stroke-linejoin:round}.chart .faint{stroke-width:1;opacity:.3}',
  '.chart .at{opacity:0}.chart .at:hover{opacity:1}.chart .at line{stroke:var(--muted);stroke-dasharray:3 3}.chart .at rect{fill:transparent}',
  '.chart .at text{fill:var(--ink)}.chart .at .back{fill:var(--paper)}',
].join('');

/** A coordinate with one decimal. */
export const round = (x: number): number => Math.round(10 * x) / 10;

/** A text inside XML or HTML, also within quotes; control characters are left out. */
export const escapeXml = (text: string): string =>
  text.replace(/[<>&"']/g, sign => `&#${sign.charCodeAt(0)};`).replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, '');
