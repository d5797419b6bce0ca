/** Runs the browser suite inside a page and sends the outcome to the server that served it. */
import { suite } from './suite.ts';

/** What the page reports. */
export interface Report {
  readonly results: readonly { readonly name: string; readonly error?: string; readonly note?: string }[];
}

const results: { name: string; error?: string; note?: string }[] = [];
for (const [name, test] of Object.entries(suite)) {
  try {
    const note = await test();
    results.push(note ? { name, note } : { name });
  } catch (error) {
    results.push({ name, error: error instanceof Error ? `${error.stack ?? error}` : String(error) });
  }
}
const report: Report = { results };
await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
