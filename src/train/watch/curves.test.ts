import { describe, expect, it } from 'vitest';
import { curvesPage, curvesSvg } from './curves.ts';
import { detectOverfitting } from './overfitting.ts';
import { addToCurves, createRunCurves, type RunCurves } from './run-curves.ts';

/** A run that turns at step 60. */
function run(steps: number): RunCurves {
  const curves = createRunCurves();
  for (let step = 1; step <= steps; step++) {
    const rest = { epoch: 0, gradientNorm: 1, learningRate: 1e-3, tokens: 8, tokensPerSecond: 8, ms: 1000 };
    addToCurves(curves, { type: 'step', step, loss: 4 - step / 40, ...rest });
    const loss = 3 + Math.abs(step - 60) / 60;
    if (step % 10 === 0)
      addToCurves(curves, { type: 'validation', step, loss, perplexity: Math.exp(loss), tokens: 8, best: false });
  }
  return curves;
}
/** The points of the path with a colour. */
const pathOf = (svg: string, colour: string) =>
  [...svg.matchAll(new RegExp(`class="line \\w+" style="stroke:var\\(--${colour}\\)" d="M([^"]*)"`, 'g'))].map(
    ([, d]) => d!.split('L').map(point => point.split(' ').map(Number)),
  );

describe('curvesSvg', () => {
  const svg = curvesSvg(run(120), { width: 800, height: 300 });
  it('draws falling losses downwards, inside of the picture', () => {
    const [faint, smooth] = pathOf(svg, 'training');
    expect(faint).toHaveLength(120);
    for (const path of [faint!, smooth!])
      path.forEach(([x, y], i) => {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(800);
        expect(y).toBeLessThanOrEqual(300);
        if (i > 0) {
          expect(x!).toBeGreaterThan(path[i - 1]![0]!);
          expect(y!).toBeGreaterThanOrEqual(path[i - 1]![1]!);
        }
      });
  });
  it('marks the lowest validation loss, which is the lowest point of its path', () => {
    expect(svg).toContain('best 3</text>');
    const [path] = pathOf(svg, 'validation');
    const lowest = path!.reduce((a, b) => (b[1]! > a[1]! ? b : a));
    expect(path!.indexOf(lowest)).toBe(5);
  });
  it('is complete by itself, and answers the pointer without a script', () => {
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(svg).not.toContain('<script');
    expect(svg).toContain('step 60   training 2.5   validation 3</text>');
  });
  it('says so when there is nothing to draw, and draws a single step', () => {
    expect(curvesSvg(run(0))).toContain('no step yet');
    expect(curvesSvg(run(1))).not.toMatch(/NaN|Infinity/);
  });
  it('stays small however long the run was', () => {
    expect(curvesSvg(run(5000)).length).toBeLessThan(200_000);
  });
});

describe('curvesPage', () => {
  const curves = run(120);
  const report = detectOverfitting(curves.training.points(), curves.validation.points());
  const page = curvesPage(curves, {
    language: 'de',
    title: '<b>a & b</b>',
    facts: [['Schritte', '120']],
    report,
    notes: ['geschätzt'],
  });
  it('speaks its language and shows all curves', () => {
    expect(page).toMatch(/^<!doctype html><html lang="de">/);
    for (const word of ['Lernrate', 'Gradientennorm', 'Validierung', 'beste', 'auswendig', 'Dropout einschalten: 0,1'])
      expect(page).toContain(word);
    expect(page.match(/<svg /g)).toHaveLength(3);
  });
  it('loads nothing, runs nothing, and takes names for text', () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|javascript:|\son\w+=/);
    expect(page).not.toContain('<b>');
    expect(page).toContain('<h1>&#60;b&#62;a &#38; b&#60;/b&#62;</h1>');
  });
});
