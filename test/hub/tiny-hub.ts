/** A hub with tiny models, and the options that a test asks it with. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HubOptions, RetryRule } from '../../src/hub/hub-settings.ts';
import type { Files, Hub } from './hub-server.ts';

const DATA = fileURLToPath(new URL('../golden/data/', import.meta.url));

/** The files of a committed checkpoint that a model on a hub would have. */
export function checkpointFiles(folder: string): Files {
  const names = readdirSync(DATA + folder).filter(name =>
    /^(config|generation_config|model.*)\.(json|safetensors)$/.test(name),
  );
  return Object.fromEntries(names.map(name => [name, new Uint8Array(readFileSync(`${DATA}${folder}/${name}`))]));
}
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes that are all different in their neighbourhood. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + (i >> 16)) & 255);
}

/** Fails fast, so that a test can wait for it. */
export const QUICK: RetryRule = { tries: 4, firstWaitMs: 1, longestWaitMs: 1000, stallMs: 10_000 };

/** Options for a cache in a folder of the test; nothing comes from the environment of who runs it. */
export function optionsFor(hub: Pick<Hub, 'endpoint'>, home: string, env: HubOptions['env'] = {}): HubOptions {
  return { endpoint: hub.endpoint, env: { HF_HOME: home, ...env }, retry: QUICK };
}
