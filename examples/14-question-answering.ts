/** The words of a text that answer a question, with their place and how sure the model is. */
import { pipeline } from 'heed';

const context = 'Anna wohnt in Seedorf. Der große Hund jagt die Katze. Das Kind gibt dem Vogel ein Brot.';
const answer = await pipeline('question-answering', 'kleinwelt-bert-answers');
const questions = ['Wo wohnt Anna?', 'Wer jagt die Katze?', 'Wen jagt der große Hund?', 'Was gibt das Kind dem Vogel?'];

const answers = await answer(questions.map(question => ({ question, context })));
for (const [i, { answer: words, score, start, end }] of answers.entries())
  console.log(questions[i], words, `(${start} to ${end}, ${(100 * score).toFixed(0)} %)`);

// More than one: what else it could be.
for (const { answer: words, score } of await answer({ question: questions[0]!, context }, { topK: 3 }))
  console.log(' ', (100 * score).toFixed(1).padStart(5), '%', words);
answer.dispose();
