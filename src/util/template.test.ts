import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ConfigError, FormatError } from '../errors.ts';
import { compileTemplate, type TemplateOptions } from './template.ts';

const renderTemplate = async (source: string, values: Readonly<Record<string, unknown>>, options?: TemplateOptions) =>
  (await compileTemplate(source, options)).render(values);

describe('templates', () => {
  it('render a chat', async () => {
    const source = [
      '{{- bos_token }}{% for message in messages %}',
      "    {%- if message['role'] == 'user' %}",
      '<user>{{ message.content | trim }}</user>',
      '    {%- else %}',
      "<{{ message.role }}>{{ message['content'].replace('a', 'A', 1) }}</{{ message.role }}>",
      '    {%- endif %}',
      '{% endfor %}',
      '{% if add_generation_prompt %}<assistant>{% endif %}',
    ].join('\n');
    const messages = [
      { role: 'user', content: ' Hallo ' },
      { role: 'assistant', content: 'Na ja' },
    ];
    const text = await renderTemplate(source, { messages, bos_token: '<s>', add_generation_prompt: true });
    expect(text).toBe('<s><user>Hallo</user><assistant>NA ja</assistant><assistant>');
  });

  it('do what the language can', async () => {
    const cases: readonly (readonly [string, string])[] = [
      ['{{ range(2, 9, 3) | join("-") }}', '2-5-8'],
      ['{{ range(3)[::-1] | list | tojson }}', '[2, 1, 0]'],
      ['{% set ns = namespace(n=0) %}{% for x in xs %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}', '6'],
      ['{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ twice("ab") }}', 'abab'],
      ['{% macro all() %}{{ varargs | join("+") }}{% endmacro %}{{ all(*xs) }}', '1+2+3'],
      ['{% filter upper %}a{{ xs[0] }}{% endfilter %}', 'A1'],
      ['{{ "a,b" | replace(",", ";") }} {{ "x y".split()[1] }}', 'a;b y'],
      ['{% for x in xs if x > 1 %}{{ x }}{% else %}none{% endfor %}', '23'],
      ['{{ 2 in xs }} {{ "b" in "abc" }} {{ "z" not in "abc" }}', 'true true true'],
      ['{{ {"a": [1, {"b": "é"}]} | tojson(indent=2) }}', '{\n  "a": [\n    1,\n    {\n      "b": "é"\n    }\n  ]\n}'],
      ['{{ missing | default("d") }}{% if missing is defined %}!{% endif %}{{ missing }}', 'd'],
      ['{{ strftime_now("%d %b %Y %-d") }}', '05 Mar 2026 5'],
      ['{% for x in xs %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}', '1'],
    ];
    for (const [source, text] of cases)
      expect(await renderTemplate(source, { xs: [1, 2, 3] }, { now: new Date(2026, 2, 5) }), source).toBe(text);
  });

  it('keep blank lines and the last line end where a task asks for it', async () => {
    const source = '{% if true %}\nA\n{% endif %}\nB\n';
    expect(await renderTemplate(source, {})).toBe('A\nB');
    expect(await renderTemplate(source, {}, { trimBlocks: false, keepTrailingNewline: true })).toBe('\nA\n\nB\n');
  });

  it('give the value of a single expression', async () => {
    const values = { choices: ['a', "it's"], n: 2, namespace: 'a column' };
    const value = async (source: string) => (await compileTemplate(source)).value(values);
    expect(await value('{{ choices + ["c"] }}')).toEqual(['a', "it's", 'c']);
    expect(await value('{{ n }}')).toBe(2);
    expect(await value('{{ {"a": none} }}')).toEqual({ a: null });
    expect(await value('{{ n }} of {{ choices | length }}')).toBe('2 of 2');
    expect(await value('{{ namespace }}')).toBe('a column');
  });

  it('say which name has no value', async () => {
    const strict = { missing: 'error', where: 'doc_to_text' } as const;
    await expect(renderTemplate('{{ doc.question }}', { doc: {} }, strict)).rejects.toThrow(
      /doc\.question.*doc_to_text/,
    );
    expect(await renderTemplate('{{ q is defined }} {{ q | default("-") }}', {}, strict)).toBe('false -');
  });

  it('say what is wrong with a template', async () => {
    await expect(compileTemplate('{{ 1 +', { where: 'chat_template' })).rejects.toThrow(FormatError);
    await expect(renderTemplate('{{ raise_exception("roles must alternate") }}', {})).rejects.toThrow(
      /roles must alternate/,
    );
    await expect(renderTemplate('{{ x | nosuch }}', { x: 'a' })).rejects.toThrow(/nosuch/);
    await expect(renderTemplate('{{ [] | first }}', {})).resolves.toBe('');
  });

  it('reach nothing of the program', async () => {
    const source =
      '{{ x.constructor }}{{ x["__proto__"] }}{{ xs.constructor }}{{ d.constructor }}{{ d.__proto__ }}{{ f.constructor }}';
    expect(await renderTemplate(source, { x: 'a', xs: [1], d: { a: 1 } })).toBe('');
  });
});

it('loads its language with the first template', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(file => /(?<!\.test)\.ts$/.test(file));
  const importing = (what: RegExp) => files.filter(file => what.test(readFileSync(join(root, file), 'utf8')));
  expect(importing(/^import .*'(@huggingface\/jinja|yaml)'/m)).toEqual(['util/template-language.ts']);
  expect(importing(/^import .*template-language\.ts'|^\} from .*template-language\.ts'/m)).toEqual([
    'util/bounded-interpreter.ts',
  ]);
  expect(importing(/from '.*bounded-interpreter\.ts'/)).toEqual([]);
});

describe('a hostile template', () => {
  const grow = (body: string) => `{% set ns = namespace(s="0123456789", a=["x"]) %}${body}{{ ns.s | length }}`;
  const double = '{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}';
  const long = '{% for i in range(17) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{% set s = ns.s %}';
  const list = '{% for i in range(40) %}{% set ns.a = ns.a + ns.a %}{% endfor %}';
  const sources: Readonly<Record<string, string>> = {
    'counts to a billion': '{% for i in range(1000000000) %}{% endfor %}',
    'nests loops': `${'{% for i in range(1000) %}'.repeat(4)}x${'{% endfor %}'.repeat(4)}`,
    'nests empty loops': '{% set r = range(100000) %}{% for i in r %}{% for j in r %}{% endfor %}{% endfor %}',
    'counts backwards for ever': '{{ range(0, 10, -1000000) | length }}{{ range(0, -1000000000, -1) | length }}',
    'calls itself': '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}',
    'calls itself twice':
      '{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}',
    'doubles a text': grow(double),
    'doubles a list': grow(list),
    'nests a list in itself twice': grow('{% for i in range(80) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}'),
    'nests a list deeply': grow('{% for i in range(100000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a | tojson }}'),
    'replaces by a long text': grow(`${long}{{ s.replace("1", s) | length }}`),
    'replaces through a variable': grow(`${long}{% set f = s["replace"] %}{{ f("1", s) | length }}`),
    'replaces with a filter': grow(`${long}{{ s | replace("1", s) | length }}`),
    'replaces in a block': grow(`${long}{% filter replace("1", s) %}{{ s }}{% endfilter %}`),
    'joins with a long text': grow(`${long}{{ range(100000) | join(s) | length }}`),
    'joins characters with a long text': grow(`${long}{{ s | join(separator=s) | length }}`),
    'indents by a billion': '{{ "a\\nb" | indent(1000000000) }}',
    'indents JSON by a million': '{{ range(1000) | tojson(indent=1000000) }}',
    'separates JSON with a long text': grow(`${long}{{ range(100000) | tojson(separators=(s, s)) }}`),
    'prints a long text often': grow(`${long}{% for i in range(100000) %}{{ s }}{% endfor %}`),
    'prints a list often': '{% set r = range(100000) %}{% for i in range(100000) %}{{ r }}{% endfor %}',
    'compares long texts often': grow(`${long}{% for i in range(100000) %}{% if s == s ~ "" %}{% endif %}{% endfor %}`),
    'searches a long text for a long one': grow(`${long}{{ ("b" ~ s[1:]) in s ~ s }}`),
    'looks through a list often': '{% set r = range(100000) %}{% for i in r %}{% if "x" in r %}{% endif %}{% endfor %}',
    'sorts long texts often': grow(
      `${long}{% set a = [s ~ 2, s ~ 1] %}{% for i in range(100000) %}{% set b = a | sort %}{% endfor %}`,
    ),
    'spreads a list often':
      '{% macro f() %}{{ varargs | length }}{% endmacro %}{% set r = range(100000) %}{% for i in r %}{{ f(*r) }}{% endfor %}',
    'slices a list often': '{% set r = range(100000) %}{% for i in r %}{% set x = r[1:] %}{% endfor %}',
    'puts a namespace into itself': '{% set ns = namespace() %}{% set ns.a = [ns, ns] %}{{ ns }}',
    'puts a namespace into arguments':
      '{% macro f() %}{{ varargs | length }}{% endmacro %}{% set ns = namespace() %}{{ f(ns, ns) }}',
    'fills a namespace': grow(
      `${long}${Array.from({ length: 400 }, (_, i) => `{% set ns.k${i} = s %}`).join('')}{{ ns }}`,
    ),
    'looks up a long path often': `{{ range(100000) | map(attribute="${'a.'.repeat(100_000)}") | list }}`,
    'defines a large macro often': `{% for i in range(1000000) %}{% macro f() %}${'{{ a }}'.repeat(10_000)}{% endmacro %}{% endfor %}`,
    'writes a long chain': `{{ ${'1 + '.repeat(50_000)}1 }}`,
    'nests parentheses': `{{ ${'('.repeat(100_000)}1${')'.repeat(100_000)} }}`,
    'is a long blank': `a${' '.repeat(500_000)}b`,
    'is too long': 'a'.repeat(2_000_000),
  };
  it.each(Object.keys(sources))('that %s is refused', async name => {
    const render = renderTemplate(sources[name]!, {});
    await expect(render).rejects.toSatisfy(error => error instanceof ConfigError || error instanceof FormatError);
    await expect(render).rejects.toThrow(/more than it may|depth|namespace|no Jinja|too long|blanks|whole numbers/);
  });

  it('is refused at the same place every time, and rendered with more room', async () => {
    const source = '{% for i in range(n) %}{{ i }} {% endfor %}';
    const limits = { steps: 1000 };
    await expect(renderTemplate(source, { n: 2000 }, { limits })).rejects.toThrow(/limits\.steps/);
    expect(await renderTemplate(source, { n: 100 }, { limits })).toHaveLength(290);
  });

  it('may be long where the chat is', async () => {
    const messages = Array.from({ length: 1000 }, (_, i) => ({
      role: i % 2 ? 'assistant' : 'user',
      content: 'word '.repeat(300),
    }));
    const source =
      '{% for m in messages %}{% if loop.index0 % 2 == 0 and m.role != "user" %}{{ raise_exception("order") }}{% endif %}' +
      '<|{{ m.role }}|>{{ m["content"] | trim }}{% if loop.last and messages | length > 2 %}!{% endif %}{% endfor %}';
    expect(await renderTemplate(source, { messages })).toHaveLength(1000 * 1499 + 500 * 8 + 500 * 13 + 1);
  });
});
