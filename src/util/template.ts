/**
 * Jinja templates that come with a model or a task: chat templates, prompts of an evaluation. The language is
 * `@huggingface/jinja`'s, which is loaded when the first template is compiled; what a template may take is bounded here.
 *
 * A template is a program of a stranger. It reaches nothing but the values it is given, and within `TemplateLimits` it is
 * bounded by counting, not by a clock, so that the same template always renders or always fails: every evaluated node,
 * every element that is walked over and every character that is produced is paid for before it is made
 * (`bounded-interpreter.ts`).
 */
import { ConfigError, FormatError, HeedError } from '../errors.ts';

export interface TemplateLimits {
  /** Characters of the template itself (default 1,000,000). */
  readonly source?: number;
  /** Steps of rendering: nodes evaluated, elements walked over (default 2,000,000, a second or two). */
  readonly steps?: number;
  /** Nodes that are being evaluated inside each other, and containers in each other (default 400). */
  readonly depth?: number;
  /** Characters and elements of any one value, the result too (default 4,000,000); 64 times as many in all. */
  readonly length?: number;
}
export interface TemplateOptions {
  readonly limits?: TemplateLimits | undefined;
  /** Lines that hold only a block leave no blank line behind (default true, as chat templates expect). */
  readonly trimBlocks?: boolean | undefined;
  /** The template's last line end is part of it (default false). */
  readonly keepTrailingNewline?: boolean | undefined;
  /** What a name without a value is: nothing (default), or an error that says which. */
  readonly missing?: 'empty' | 'error' | undefined;
  /** The time that `strftime_now` tells (default: now). */
  readonly now?: Date | undefined;
  /** What the template is of, for errors: `chat_template`, `doc_to_text`. */
  readonly where?: string | undefined;
}
export interface CompiledTemplate {
  /** The text for these values. @throws ConfigError when the template refuses them or takes more than its limits */
  render(values: Readonly<Record<string, unknown>>): string;
  /**
   * A template of a single `{{ expression }}` gives its value as plain data (a list stays a list); any other its text.
   * @throws ConfigError as `render` does
   */
  value(values: Readonly<Record<string, unknown>>): unknown;
}

const DEFAULTS: Required<TemplateLimits> = { source: 1_000_000, steps: 2_000_000, depth: 400, length: 4_000_000 };
/** The language's own preparation of a source takes time with the square of a run of blanks. */
const LONGEST_BLANK = /\s{1024}/;

/** Reads a template. @throws FormatError when it is none, or longer than `limits.source` */
export async function compileTemplate(source: string, options: TemplateOptions = {}): Promise<CompiledTemplate> {
  const limits = { ...DEFAULTS, ...options.limits };
  const { where = 'template' } = options;
  if (source.length > limits.source)
    throw new FormatError('the template is too long', {
      seen: `${source.length} characters`,
      expected: `at most ${limits.source}`,
      where,
    });
  if (LONGEST_BLANK.test(source))
    throw new FormatError('the template has a run of 1024 or more blanks', { fix: 'shorten it', where });
  const [{ parseTemplate }, { interpret }] = await Promise.all([
    import('./template-language.ts'),
    import('./bounded-interpreter.ts'),
  ]);
  const text = options.keepTrailingNewline && source.endsWith('\n') ? `${source}\n` : source;
  const program = reported(where, 'this is no Jinja template', FormatError, () =>
    parseTemplate(text, options.trimBlocks ?? true),
  );
  const settings = { limits, strict: options.missing === 'error', now: options.now, where };
  const run = (values: Readonly<Record<string, unknown>>, plain: boolean) =>
    reported(where, 'the template cannot be rendered with these values', ConfigError, () =>
      interpret(program, values, { ...settings, plain }),
    );
  return { render: values => String(run(values, false)), value: values => run(values, true) };
}

/** What the language throws, as an error of this library; its own come through with where they happened. */
function reported<T>(where: string, what: string, Kind: typeof ConfigError | typeof FormatError, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof HeedError) throw cause;
    // A stack that ran out says so in words of the engine.
    const seen =
      cause instanceof RangeError ? 'it needs more depth or length than there is' : String((cause as Error).message);
    throw new Kind(what, { seen, where, cause });
  }
}
