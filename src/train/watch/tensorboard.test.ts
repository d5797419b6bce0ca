import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32c, eventRecord, openTensorboard } from './tensorboard.ts';

const VERSION = ['1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110'].join('');
const SCALARS = [
  '2c00000000000000f4aecc450900005040fc54d94110ac022a1e0a110a0a747261696e2f6c6f737315000020400a090a026c',
  '72150000003e7a2913c8',
].join('');
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');

describe('crc32c', () => {
  it('has the values of RFC 3720, appendix B.4', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });
});

describe('event files', () => {
  it('are byte for byte those of the reference for the same events', () => {
    // Written by tensorboard 2.21's RecordWriter from tensorboard.compat.proto.event_pb2.
    expect(hex(eventRecord({ wallTime: 1700000000.5, fileVersion: 'brain.Event:2' }))).toBe(VERSION);
    expect(hex(eventRecord({ wallTime: 1700000001.25, step: 300, values: { 'train/loss': 2.5, lr: 0.125 } }))).toBe(
      SCALARS,
    );
  });
  it('hold a step of any size, and values that are no numbers', () => {
    const at = (step: number) => eventRecord({ wallTime: 0, step, values: { x: Number.NaN } });
    expect(at(2 ** 31).length).toBe(at(1).length + 4);
    expect(at(2 ** 53 - 1).length).toBe(at(1).length + 7);
  });
  it('begin with their version and take each step at their end', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'heed-events-'));
    try {
      const file = await openTensorboard(join(folder, 'run'), 1700000000.5);
      await file.write(300, { 'train/loss': 2.5, lr: 0.125 }, 1700000001.25);
      await file.close();
      const [name, ...others] = await readdir(join(folder, 'run'));
      expect(others).toEqual([]);
      expect(name).toMatch(/^events\.out\.tfevents\.1700000000\.[^/]+\.[0-9a-f]{8}$/);
      expect(hex(await readFile(join(folder, 'run', name!)))).toBe(VERSION + SCALARS);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
