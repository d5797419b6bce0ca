/** JSON of a given form from a model that knows no JSON: the schema is kept while the text is written, token by token. */
import { load } from 'heed';
import { choices, jsonSchema, regex } from 'heed/generate';

const model = await load('kleinwelt-llama');
const schema = {
  type: 'object',
  properties: {
    animal: { enum: ['Hund', 'Katze', 'Vogel'] },
    name: { type: 'string', maxLength: 10 },
    legs: { type: 'integer', minimum: 2, maximum: 4 },
    friends: { type: 'array', items: { type: 'string', maxLength: 8 }, maxItems: 2 },
  },
  required: ['animal', 'name', 'legs', 'friends'],
};
const options = { constraint: jsonSchema(schema), maxNewTokens: 80, temperature: 1, seed: 1 };
for await (const event of model.generate(['Der Hund', 'Die Katze', 'Der Vogel'], options))
  if (event.type === 'done') for (const { text } of event.sequences) console.log(JSON.parse(text));

// A form says nothing about the sense: what it writes inside is what a model of a small world would say.
for (const constraint of [regex('[A-Z][a-z]{2,7} (schläft|singt)\\.'), choices([' jagt', ' schläft'])]) {
  let text = '';
  for await (const event of model.generate('Der Hund', { constraint, temperature: 0, maxNewTokens: 30 }))
    text += event.text;
  console.log(text);
}
model.dispose();
