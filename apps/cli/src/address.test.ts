// Models and tokenizers that lie behind an address, as a person names them.

import { readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Scratch, type Ran } from './scratch.cases';

let scratch: Scratch;
let checkpoint: string;
let server: Server;
let address: string;
beforeAll(async () => {
  scratch = new Scratch();
  checkpoint = scratch.checkpoint();
  // Like the simplest of servers, it knows no ranges.
  server = createServer(({ url, method }, response) => {
    const path = `${checkpoint}${url}`;
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': size }).end(method === 'HEAD' ? undefined : readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, 60_000);
afterAll(() => {
  server.close();
  scratch.remove();
});

/** Runs the program while this process serves. */
async function run(...args: string[]): Promise<Ran> {
  const child = scratch.start(...args);
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  return { code: await ended, stdout, stderr };
}

it('a model behind an address writes what it writes from its folder', async () => {
  const args = ['--prompt', 'It was', '--max-tokens', '8', '--backend', 'js'];
  const far = await run('generate', address, ...args);
  expect(far.stderr).not.toContain('sympow:');
  expect(far.stdout).toBe(scratch.sympow('generate', checkpoint, ...args).stdout);
}, 60_000);

it('a model behind an address is evaluated, with the tokenizer behind another', async () => {
  const args = [scratch.text, '--length', '64', '--backend', 'js', '--json'];
  const far = await run('eval', address, ...args, '--tokenizer', `${address}/tokenizer.json`);
  expect(far.stderr).not.toContain('sympow:');
  const near = scratch.sympow('eval', checkpoint, ...args);
  const bins = (json: string) => (JSON.parse(json) as { bins: unknown[] }).bins;
  expect(bins(far.stdout)).toEqual(bins(near.stdout));
}, 60_000);

it('an address without a model is said in one line', async () => {
  const { code, stderr } = await run('generate', `${address}/nowhere`, '--backend', 'js');
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /sympow: there is no checkpoint in http:.*\/nowhere; .*name the folder of the checkpoint itself\.\n$/,
  );
}, 60_000);
