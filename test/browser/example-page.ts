/** The example without a bundler, opened as its reader does: a bundled model and chosen files write, a task answers. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { serveExample } from '../../examples/browser/serve.ts';
import { tinyFiles } from '../tasks/tiny-checkpoints.ts';
import { type Page, withPage } from './chromium.ts';

const BUNDLED = resolve(import.meta.dirname, '../../models/kleinwelt-llama');
const idle = `document.getElementById('stop').disabled && !document.getElementById('write').disabled`;
const written = `document.getElementById('text').textContent.slice(document.querySelector('#text b').textContent.length)`;
const press = (form: string) => `document.getElementById('${form}').requestSubmit()`;

/** Opens the example. @returns what was seen, to be shown @throws when something is missing, or the console has an error */
export async function checkExample(browser: string, isolated: boolean): Promise<string> {
  const { server, url } = await serveExample({ isolated });
  try {
    return await withPage(browser, url, async page => {
      const notes = [await startedAs(page, isolated)];
      if (existsSync(BUNDLED)) {
        notes.push(`kleinwelt-llama wrote ${JSON.stringify((await write(page)).slice(0, 60))}`);
        notes.push(await page.evaluate<string>(`document.getElementById('speed').textContent`));
        notes.push(`fill-mask: ${await doTask(page)}`);
      } else notes.push('no models/: only chosen files');
      await chooseFiles(page, tinyFiles('gpt'));
      notes.push(`chosen files wrote ${(await write(page)).length} characters`);
      if (page.errors.length > 0) throw new Error(`errors in the console:\n${page.errors.join('\n')}`);
      return notes.join('; ');
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Waits for the first model, or for the reason why there is none. */
async function startedAs(page: Page, isolated: boolean): Promise<string> {
  await page.until(`document.getElementById('loading')?.hidden && document.getElementById('choice').model.value`);
  await page.until(
    existsSync(BUNDLED) ? idle : `document.getElementById('message').textContent.includes('config.json')`,
  );
  const seen = await page.evaluate<boolean>('crossOriginIsolated');
  if (seen !== isolated) throw new Error(`crossOriginIsolated is ${seen}`);
  return isolated ? 'isolated' : 'not isolated';
}

/** Writes, stopping when there is some text. @returns the text */
async function write(page: Page): Promise<string> {
  await page.until(idle);
  await page.evaluate(press('prompt'));
  await page.until(`${written}.length > 20 || ${idle}`);
  await page.evaluate(`document.getElementById('stop').click()`);
  await page.until(idle);
  const text = await page.evaluate<string>(written);
  if (text === '') throw new Error(`nothing was written: ${await page.evaluate('document.body.innerText')}`);
  return text;
}

async function doTask(page: Page): Promise<string> {
  await page.evaluate(press('task'));
  const results = `document.querySelectorAll('#results li')`;
  await page.until(`${results}.length === 5 || document.getElementById('message').className === 'error'`);
  return page.evaluate<string>(`[...${results}].map(item => item.firstChild.textContent).join(' ')`);
}

/** Chooses files as in the dialog of the page. */
async function chooseFiles(page: Page, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const texts = Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]);
  await page.evaluate(`{
    const input = document.getElementById('files');
    const chosen = new DataTransfer();
    for (const [name, text] of ${JSON.stringify(texts)})
      chosen.items.add(new File([Uint8Array.from(atob(text), c => c.charCodeAt(0))], name));
    input.files = chosen.files;
    input.dispatchEvent(new Event('change'));
  }`);
  await page.until(`document.getElementById('loading').hidden`);
}
