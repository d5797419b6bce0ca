import { describe, expect, it } from 'vitest';
import { fakeTerminal } from '../../test/cli/fake-terminal.ts';
import { createReportWording } from '../evaluate/report/wording.ts';
import { createEvaluationProgress } from './evaluation-view.ts';

describe('the progress of an evaluation', () => {
  const step = (items: number) => ({ task: 'blimp', index: 1, tasks: 3, items });
  it('is said to a person who waits, in one line', () => {
    let now = 0;
    const terminal = fakeTerminal({ interactiveErrors: true, columns: 40 });
    const progress = createEvaluationProgress(terminal, createReportWording('de'), () => now);
    progress.show(step(16), 1200);
    expect(terminal.err()).toBe('');
    now = 1500;
    progress.show(step(64), 1200);
    now = 1510;
    progress.show(step(80), 1200);
    expect(terminal.err()).toBe('\r2/3 blimp  64 / 1.200 Beispiele\x1b[K');
    progress.clear();
    expect(terminal.err().endsWith('\r\x1b[K')).toBe(true);
  });
  it('is not said to a log', () => {
    let now = 0;
    const terminal = fakeTerminal();
    const progress = createEvaluationProgress(terminal, createReportWording('en'), () => now);
    now = 5000;
    progress.show(step(16), undefined);
    progress.clear();
    expect(terminal.err()).toBe('');
  });
});
