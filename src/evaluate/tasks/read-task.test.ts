import { describe, expect, it } from 'vitest';
import { ConfigError, FormatError, UnsupportedError } from '../../errors.ts';
import { readTask } from './read-task.ts';

const files: Readonly<Record<string, string>> = {
  'base.yaml': 'output_type: multiple_choice\ndoc_to_text: "{{q}}"\nmetric_list: [{metric: acc}]\n',
  'a.yaml': 'include: base.yaml\ntask: a\ndoc_to_text: q\n',
  'loop.yaml': 'include: loop.yaml\ntask: loop\noutput_type: loglikelihood\n',
};
const beside = async (name: string) => {
  const text = files[name];
  if (text === undefined) throw new ConfigError('no such file', { seen: name });
  return text;
};
const read = (text: string) => readTask(text, { where: 'x.yaml', beside });

describe('task files', () => {
  it('say what is left out as the reference has it', async () => {
    const { tasks } = await read('task: t\noutput_type: loglikelihood\nmetadata: {version: 1.0}\ntag: [x]\n');
    expect(tasks).toMatchObject([
      { task: 't', target_delimiter: ' ', fewshot_delimiter: '\n\n', num_fewshot: 0, repeats: 1, description: '' },
    ]);
  });
  it('include others, and are groups', async () => {
    const { tasks, group } = await read(
      'group: g\ntask:\n  - a\n  - task: b\n    include: base.yaml\n    doc_to_choice: [x, y]\naggregate_metric_list: [{metric: acc}]\n',
    );
    expect(group?.group).toBe('g');
    expect(tasks).toMatchObject([
      { task: 'a', doc_to_text: 'q', output_type: 'multiple_choice' },
      { task: 'b', doc_to_text: '{{q}}', doc_to_choice: ['x', 'y'] },
    ]);
  });
  it('never hold code', async () => {
    await expect(read('task: t\noutput_type: loglikelihood\nprocess_docs: !function utils.f\n')).rejects.toThrow(
      UnsupportedError,
    );
    await expect(read('task: t\noutput_type: loglikelihood\nmetadata: !!js/function "f"\n')).rejects.toThrow(
      UnsupportedError,
    );
    await expect(read('task: t\noutput_type: loglikelihood\nprocess_docs: f\n')).rejects.toThrow(/process_docs/);
  });
  it.each([
    ['task: t\noutput_type: loglikelyhood\n', ConfigError, /output_type.*loglikelihood/],
    ['task: t\n', ConfigError, /output_type/],
    ['task: t\noutput_type: loglikelihood\ndoc_to_txt: a\n', ConfigError, /did you mean doc_to_text/],
    ['task: t\noutput_type: loglikelihood\nnum_fewshot: -1\n', ConfigError, /num_fewshot/],
    ['- a\n- b\n', FormatError, /no fields/],
    ['task: [t', FormatError, /no YAML/],
    [`a: ${'['.repeat(100_000)}`, FormatError, /no YAML/],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      FormatError,
      /no YAML.*alias/,
    ],
    ['include: loop.yaml\n', ConfigError, /too deeply/],
    ['include: none.yaml\n', ConfigError, /no such file/],
    ['task: [a, b]\n', ConfigError, /needs a name/],
    ['group: g\ntask: [a]\naggregate_metrics: [{metric: acc}]\n', ConfigError, /did you mean aggregate_metric_list/],
    ['group: g\ntask: [a]\naggregate_metric_list: acc\n', ConfigError, /aggregate_metric_list of a group.*acc/],
    ['group: g\ntask: [1]\n', ConfigError, /task of a group.*1/],
    ['group: g\ntask: [a]\naggregate_metric_list: [{metric: acc, aggregation: max}]\n', ConfigError, /max.*mean/],
    ['group: g\ntask: [a]\naggregate_metric_list: [{metric: acc, weight: 1}]\n', ConfigError, /no such field.*weight/],
  ])('refuse %j', async (text, kind, message) => {
    const file = read(text);
    await expect(file).rejects.toThrow(kind);
    await expect(file).rejects.toThrow(message);
  });
});
