import { describe, expect, it } from 'vitest';
import { listParams } from '../nn/params.ts';
import type { HeadName } from './architecture.ts';
import { chooseHead } from './choose-head.ts';
import { ConfigReader } from './config-reader.ts';
import { headOf } from './forward.ts';
import { architectureOf } from './index.ts';

/** The head of a file with the parameters of `holds`. */
async function chosen(model_type: string, holds: HeadName, className?: string, asked?: HeadName): Promise<HeadName> {
  const json = { model_type, ...(className && { architectures: [className] }) };
  const { architecture } = await architectureOf(json);
  const config = architecture.config(new ConfigReader(json, 'config.json'));
  const tensors = listParams(headOf({ architecture, head: holds }).parameters(config)).map(([name]) => name);
  return chooseHead({ architecture, config, json, tensors }, asked);
}

describe('chooseHead', () => {
  it('believes the class that the config names', async () => {
    expect(await chosen('bert', 'tokenClassification', 'BertForTokenClassification')).toBe('tokenClassification');
    expect(await chosen('electra', 'replacedToken', 'ElectraForPreTraining')).toBe('replacedToken');
    expect(await chosen('marian', 'seq2seqLM', 'MarianMTModel')).toBe('seq2seqLM');
    expect(await chosen('xlnet', 'maskedLM', 'XLNetLMHeadModel')).toBe('maskedLM');
  });
  it('looks for a head that is all there where the config names none', async () => {
    expect(await chosen('bert', 'maskedLM')).toBe('maskedLM');
    expect(await chosen('bert', 'pooled', 'BertModel')).toBe('pooled');
    expect(await chosen('bert', 'base', 'BertModel')).toBe('base');
  });
  it('refuses a head that the file does not hold', async () => {
    await expect(chosen('bert', 'base', undefined, 'maskedLM')).rejects.toThrow(
      /has no maskedLM head; seen: no cls\.predictions.*base/,
    );
  });
  it('takes no other head in place of a class that the family does not have', async () => {
    await expect(chosen('mbart', 'seq2seqLM', 'MBartForSequenceClassification')).rejects.toThrow(
      /mbart has no head like .*MBartForSequenceClassification.*seq2seqLM/,
    );
    await expect(chosen('bert', 'base', 'BertForMultipleChoice')).rejects.toThrow(/BertForMultipleChoice/);
    expect(await chosen('bert', 'base', 'BertForMultipleChoice', 'base')).toBe('base');
  });
});
