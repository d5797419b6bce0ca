import { describe, expect, it } from 'vitest';
import { ConfigReader } from './config-reader.ts';
import { architectureOf, modelTypes } from './index.ts';

async function problemsOf(json: Record<string, unknown>): Promise<string> {
  const { architecture, json: full } = await architectureOf(json);
  const reader = new ConfigReader(full, 'config.json');
  architecture.config(reader);
  try {
    reader.finish();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a config that cannot be', () => {
  it('is refused with all its problems at once', async () => {
    const problems = await problemsOf({ model_type: 'llama', rms_norm_eps: -1, hidden_act: 'glue', rope_theta: 0 });
    expect(problems).toMatch(/rms_norm_eps is -1, not a number above 0/);
    expect(problems).toMatch(/hidden_act is "glue", not one of gelu, /);
    expect(problems).toMatch(/rope_theta is 0, not a number above 0/);
    const scaling = await problemsOf({ model_type: 'llama', rope_scaling: { rope_type: 'linear', factor: -2 } });
    expect(scaling).toMatch(/rope_scaling of config.json: factor is -2/);
  });

  it.each(modelTypes())('allocates nothing for huge counts: %s', async model_type => {
    const layers = [
      'n_layer',
      'n_layers',
      'n_blocks',
      'num_layers',
      'num_hidden_layers',
      'encoder_layers',
      'decoder_layers',
    ];
    const huge = { ...Object.fromEntries(layers.map(name => [name, 3e6])), num_labels: 5e9 };
    const problems = await problemsOf({ model_type, ...huge });
    expect(problems).toMatch(/3000000 is above 10000/);
    const { architecture } = await architectureOf({ model_type });
    if (architecture.heads.sequenceClassification ?? architecture.heads.imageClassification)
      expect(problems).toMatch(/num_labels 5000000000 is above 1000000/);
  });
});
