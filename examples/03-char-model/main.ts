// A language model of characters: trained on a text, saved, loaded, writing.
import { fit, load } from '@sympow/start';

const text = `Twinkle, twinkle, little star,
How I wonder what you are!
Up above the world so high,
Like a diamond in the sky.
`.repeat(30);

const model = await fit(text, {
  steps: 120,
  context: 96,
  model: { hiddenSize: 48, layers: 2, heads: 2, headSize: 24 },
  onStep: ({ step, loss }) => step % 40 === 0 && console.log(step, loss.toFixed(2)), // such as 40 0.98
});
await model.save('star');
await model.close();

const same = await load('star'); // or 'https://…'
for await (const piece of same.stream('Up above', { maxTokens: 50, temperature: 0 })) {
  console.log(piece); // such as ' '
}
await same.close();
