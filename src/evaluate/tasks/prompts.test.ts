import { describe, expect, it } from 'vitest';
import { createPrompts, type Doc, examplesFor } from './prompts.ts';
import { type TaskConfig, taskConfig } from './task-config.ts';

const config = (fields: Partial<TaskConfig>) =>
  taskConfig({ task: 't', output_type: 'generate_until', ...fields }, 'test');
const itemOf = async (fields: Partial<TaskConfig>, doc: Doc, examples: readonly Doc[] = []) =>
  (await createPrompts(config(fields))).item(doc, 0, examples);

describe('prompts', () => {
  const doc = { q: 'Is it?', a: 'Yes', n: 1, list: ['no', "it's so"], ok: true };
  it('are columns, templates, or texts', async () => {
    expect(await itemOf({ doc_to_text: 'q', doc_to_target: 'a' }, doc)).toMatchObject({
      prompt: 'Is it?',
      target: 'Yes',
    });
    expect(await itemOf({ doc_to_text: 'Q: {{q}}\n', doc_to_target: '{{a | lower}}' }, doc)).toMatchObject({
      prompt: 'Q: Is it?\n',
      target: 'yes',
    });
    expect(await itemOf({ doc_to_text: 'Say yes.', doc_to_target: 'n' }, doc)).toMatchObject({
      prompt: 'Say yes.',
      target: '1',
    });
  });
  it('have choices as lists, templates of lists, or names', async () => {
    const of = async (fields: Partial<TaskConfig>) => {
      const { choices, target } = await itemOf({ doc_to_text: 'q', ...fields }, doc);
      return [choices, target];
    };
    expect(await of({ doc_to_choice: 'list', doc_to_target: 'n' })).toEqual([['no', "it's so"], 1]);
    expect(await of({ doc_to_choice: '{{list + [a]}}', doc_to_target: '{{n}}' })).toEqual([
      ['no', "it's so", 'Yes'],
      1,
    ]);
    expect(await of({ doc_to_choice: ['x', 'y'], doc_to_target: 'ok' })).toEqual([['x', 'y'], 1]);
    expect(await of({ doc_to_choice: { a: 'x', b: 'y' }, doc_to_target: 0 })).toEqual([['x', 'y'], 0]);
    await expect(of({ doc_to_choice: '{{q}}', doc_to_target: 0 })).rejects.toThrow(/doc_to_choice gives no list/);
  });
  it('stand behind a description and examples, as in the reference', async () => {
    const fields = { doc_to_text: 'q', doc_to_target: 'a', description: 'Answer.\n\n', target_delimiter: ' => ' };
    expect((await itemOf(fields, doc, [{ q: 'One?', a: 'Two' }])).prompt).toBe('Answer.\n\nOne? => Two\n\nIs it?');
    const begun = { ...fields, gen_prefix: 'So:' };
    expect((await itemOf(begun, doc, [{ q: 'One?', a: 'Two' }])).prompt).toBe(
      'Answer.\n\nOne? => So: Two\n\nIs it? => So:',
    );
    expect((await itemOf({ ...begun, gen_prefix: '\nA: ' }, doc, [{ q: 'One?', a: 'Two' }])).prompt).toBe(
      'Answer.\n\nOne?\nA: Two\n\nIs it?\nA: ',
    );
  });
  it('name the column that is missing', async () => {
    await expect(itemOf({ doc_to_text: '{{question}}' }, doc)).rejects.toThrow(/question.*doc_to_text of t/);
  });
  it('draw examples by seed and item', () => {
    const pool = Array.from({ length: 20 }, (_, n) => ({ n }));
    const draw = (seed: number, id: number) => examplesFor(config({}), pool, { count: 5, seed, id, same: true });
    expect(draw(1, 3)).toEqual(draw(1, 3));
    expect(draw(1, 3)).not.toEqual(draw(2, 3));
    expect(draw(1, 3)).not.toEqual(draw(1, 4));
    expect(new Set(draw(1, 3)).size).toBe(5);
    const first = config({ fewshot_config: { sampler: 'first_n' } });
    expect(examplesFor(first, pool, { count: 2, seed: 0, id: 0, same: true })).toEqual([{ n: 1 }, { n: 2 }]);
    expect(() =>
      examplesFor(config({ fewshot_config: { sampler: 'balanced' } }), pool, { count: 1, seed: 0, id: 0, same: false }),
    ).toThrow(/balanced/);
  });
});
