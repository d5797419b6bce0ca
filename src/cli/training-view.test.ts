import { describe, expect, it } from 'vitest';
import { fakeTerminal } from '../../test/cli/fake-terminal.ts';
import type { StepEvent, TrainEvent } from '../train/events.ts';
import { createWording, detectOverfitting, energyOf, forecast } from '../train/watch/index.ts';
import { widthOf } from './layout.ts';
import { createMessages, type Language } from './messages.ts';
import { createNumbers } from './numbers.ts';
import {
  jsonTrainingView,
  peopleTrainingView,
  quietTrainingView,
  type TrainingFacts,
  type TrainingSummary,
} from './training-view.ts';

const facts: TrainingFacts = {
  ...{ modelType: 'gpt2', objective: 'causal-lm', parameters: 886_528, trainable: 65_536, steps: 2000, step: 0 },
  data: { examples: 700, tokens: 84_349, validationTokens: 9_373 },
  ...{ tokensPerStep: 1024, unit: 'tokens', epochs: 24.3, out: './mine' },
};
const memory = { parameters: 3.5e6, gradients: 3.5e6, optimizer: 7e6 };
const needs = forecast({ memory, batch: { flops: 2e9, activationBytes: 40e6 }, steps: 2000, limitBytes: 4.29e9 });
const step = (n: number, loss = 3): StepEvent => ({
  ...{ type: 'step', step: n, epoch: 0, loss, gradientNorm: 1, learningRate: 1e-3 },
  ...{ tokens: 1024, tokensPerSecond: 10_240, ms: 100 },
});
const validation = (n: number, loss: number, best: boolean): TrainEvent => ({
  ...{ type: 'validation', step: n, loss, perplexity: Math.exp(loss), tokens: 9000, best },
});
const summary: TrainingSummary = {
  ...{
    steps: 2000,
    milliseconds: 64_000,
    tokens: 2_048_000,
    unit: 'tokens',
    loss: 2.5,
    keptBest: false,
    reason: 'steps',
  },
  best: { step: 1500, loss: 2.75 },
  ...{ report: undefined, memorization: { n: 8, generated: 0.024, heldOut: 0.01, longestCopy: 12 } },
  energy: energyOf({ milliseconds: 64_000, processorMilliseconds: 120_000, memoryBytes: 3e8 }, { region: 'DE' }),
  ...{ files: ['model.safetensors', 'log.jsonl'], out: './mine', next: 'heed run ./mine "..."' },
};
const people = (terminal: ReturnType<typeof fakeTerminal>, language: Language = 'en', now = () => 0) =>
  peopleTrainingView(
    { terminal, say: createMessages(language), numbers: createNumbers(language), wording: createWording(language) },
    now,
  );

describe('a run for people', () => {
  it('says what it needs, a row for each validation, and what came of it', () => {
    const terminal = fakeTerminal();
    const view = people(terminal);
    view.start(facts, needs);
    view.event(step(1, 4));
    view.event(step(2, 3));
    view.event(validation(2, 3.25, true));
    view.event(step(3, 2));
    view.event(validation(3, 3.5, false));
    view.done(summary);
    const rows = terminal.err().split('\n');
    expect(rows[0]).toBe('gpt2 · 887 K parameters, 65,536 learn · causal-lm');
    expect(rows).toContain('  data     84,349 tokens, 9,373 for validation');
    expect(rows).toContain('  steps    2,000 of 1,024 tokens, 24 epochs');
    // The mean of the losses since the row before.
    expect(rows).toContain('      2    3.5000       3.2500    10,240    best');
    expect(rows).toContain('      3    2.0000       3.5000    10,240');
    expect(terminal.err()).not.toContain('\r');
    expect(terminal.out()).toContain('2,000 steps  64 s  32,000 tokens/s\n');
    expect(terminal.out()).toContain('validation  lowest 2.7500 at step 1,500\n');
    expect(terminal.out()).toMatch(/energy +0\.402 Wh, 0\.153 g CO₂ \(estimated: 12 W a core; 381 g\/kWh: DE 2023/);
    expect(terminal.out().replace(/\s+/g, ' ')).toContain(
      'by heart 2.4 % of the 8-grams that it writes stand in the training text, 1.0 % of those of unseen text, the longest copy has 12 tokens',
    );
    expect(terminal.out()).toContain('heed run ./mine "..."');
  });
  it.each(['en', 'de'] as const)('fits into its lines in %s, also narrow ones', language => {
    for (const columns of [40, 80]) {
      const terminal = fakeTerminal({ columns, interactiveErrors: true });
      let time = 0;
      const view = people(terminal, language, () => (time += 1000));
      view.start(facts, needs);
      for (let n = 1; n <= 30; n++) view.event(step(n));
      view.event(validation(30, 2, true));
      view.event({ type: 'warning', step: 30, message: 'no token counts '.repeat(8).trim() });
      view.timed(forecast({ memory, batch: { flops: 2e9, activationBytes: 1 }, steps: 2000, stepMs: 100 }));
      view.done({ ...summary, reason: 'aborted', next: 'heed train --resume ./mine' });
      for (const line of (terminal.err() + terminal.out()).split(/[\r\n]/))
        expect(widthOf(line.replace('\x1b[K', '')), line).toBeLessThanOrEqual(columns);
    }
  });
  it('draws a line over itself where a person looks, and takes it away', () => {
    const terminal = fakeTerminal({ interactiveErrors: true });
    let time = 0;
    const view = people(terminal, 'en', () => (time += 1000));
    view.start(facts, needs);
    for (let n = 1; n <= 1000; n++) view.event(step(n));
    expect(terminal.err().slice(-100)).toContain(
      '\rstep 1,000 / 2,000  ██████        loss 3.000  10,240 tokens/s  100 s left\x1b[K',
    );
    view.clear();
    expect(terminal.err().endsWith('\r\x1b[K')).toBe(true);
    const length = terminal.err().length;
    view.clear();
    expect(terminal.err()).toHaveLength(length);
  });
  it('says during the run when it begins to do harm, and at the end where the best weights are', () => {
    const terminal = fakeTerminal();
    const view = people(terminal);
    const curve = (values: readonly number[]) => values.map((value, i) => ({ step: i + 1, value }));
    const report = detectOverfitting(curve([3, 2.5, 2, 1.5, 1, 0.5]), curve([3, 2.8, 2.9, 3, 3.1, 3.2]));
    view.verdict(report);
    expect(terminal.err().replace(/\s+/g, ' ')).toContain(
      'learns its training data by heart: the training loss falls, the validation loss rises. Stop here,',
    );
    view.done({ ...summary, report, best: { step: 2, loss: 2.8, path: 'mine/checkpoints/checkpoint-2' } });
    expect(terminal.out()).toContain('lowest 2.8000 at step 2: mine/checkpoints/checkpoint-2\n');
  });
  it('writes a row now and then where no one looks', () => {
    const terminal = fakeTerminal();
    let time = 0;
    const view = people(terminal, 'en', () => (time += 600));
    view.start(facts, needs);
    for (let n = 1; n <= 100; n++) view.event(step(n));
    const rows = terminal.err().match(/^ +\d+ +3\.0000 +10,240$/gm)!;
    expect(rows.length).toBeGreaterThan(2);
    expect(rows.length).toBeLessThan(20);
  });
  it('tells how to go on with a run that was stopped', () => {
    const terminal = fakeTerminal();
    people(terminal).done({ ...summary, steps: 120, reason: 'aborted', next: 'heed train --resume ./mine' });
    expect(terminal.out()).toMatch(
      /Stopped after step 120\. Nothing is lost; go on with\n {2}heed train --resume \.\/mine\n$/,
    );
  });
});

describe('a run for programs', () => {
  it('is a line of JSON for each event', () => {
    const terminal = fakeTerminal();
    const view = jsonTrainingView({ terminal });
    view.start(facts, needs);
    view.event(step(1));
    view.done(summary);
    const lines = terminal
      .out()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { type: string });
    expect(lines.map(({ type }) => type)).toEqual(['forecast', 'step', 'summary']);
    expect(lines[1]).toEqual(step(1));
    expect(terminal.err()).toBe('');
  });
  it('says nothing but warnings when it is to be quiet', () => {
    const terminal = fakeTerminal();
    const view = quietTrainingView({ terminal, say: createMessages('en') });
    view.start(facts, needs);
    view.event(step(1));
    view.event({ type: 'warning', step: 1, message: 'odd' });
    view.done(summary);
    expect([terminal.out(), terminal.err()]).toEqual(['', 'heed: warning: odd\n']);
  });
});
