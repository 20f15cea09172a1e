// A server that carries conversations between requests: what a model remembers is bytes of one size, kept as any other value.
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Random } from '@sympow/kernels';
import { fit, Session } from '@sympow/start';

// Four people who say who they are, and are asked about it later.
const names = ['ann', 'bob', 'cat', 'dan'];
const random = new Random(1, 'who speaks');
const lines = Array.from({ length: 300 }, () => names[random.integer(4)]!);
const model = await fit(lines.map((name) => `I am ${name}. Hello! Who am I? ${name}.\n`).join(''), {
  steps: 150,
  context: 64,
  learningRate: 1e-2,
  model: { hiddenSize: 32, layers: 2, heads: 2, headSize: 16, initStd: 0.15 },
});

/** By the conversation: a database, a folder or a bucket does as well. */
const kept = new Map<string, Uint8Array>();

/** Reads what was said, writes the answer as it comes, and keeps where the conversation stands. */
async function answer(conversation: string, said: string, write: (piece: string) => void): Promise<number> {
  const bytes = kept.get(conversation);
  const session = bytes ? await Session.restore(model.model, bytes) : new Session(model.model);
  try {
    const options = { session, maxTokens: 20, temperature: 0, stop: ['!', '.'] };
    for await (const piece of model.stream(said, options)) write(piece);
    kept.set(conversation, await session.save());
    return session.position;
  } finally {
    session.dispose(); // between two requests nothing of it is in the model's memory
  }
}

const server = createServer((request, response) => {
  void text(request)
    .then((said) => answer(request.url ?? '/', said, (piece) => response.write(piece)))
    .then(() => response.end())
    .catch((error: Error) => response.destroy(error));
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** One turn of a conversation, as any client would say it. */
const say = async (who: string, body: string): Promise<string> =>
  (await fetch(`${address}/${who}`, { method: 'POST', body })).text();

// Two people, turn by turn. Each is answered from what that one has said.
console.log(await say('ann', 'I am ann.')); // ' Hello'
console.log(await say('bob', 'I am bob.')); // ' Hello'
console.log(await say('ann', ' Who am I?')); // ' ann'
console.log(await say('bob', ' Who am I?')); // ' bob'
for (const [conversation, bytes] of kept) console.log(conversation, bytes.length); // such as /ann 46592

server.close();
await model.close();
