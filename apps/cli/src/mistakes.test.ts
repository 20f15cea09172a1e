// What a person gets wrong, and what the program says to it.

import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.cases';

let scratch: Scratch;
let checkpoint: string;
beforeAll(() => {
  scratch = new Scratch();
  checkpoint = scratch.checkpoint();
  writeFileSync(scratch.at('empty.txt'), '');
}, 60_000);
afterAll(() => scratch.remove());

/** A copy of the checkpoint to do harm to, as somebody puts it together who leaves out the checksums. */
function harmed(name: string, harm: (path: string) => void): string {
  const path = damaged(name, harm);
  rmSync(join(path, 'checksums.json'));
  return path;
}

/** A copy of the checkpoint to do harm to. */
function damaged(name: string, harm: (path: string) => void): string {
  const path = scratch.at(name);
  cpSync(checkpoint, path, { recursive: true });
  harm(path);
  return path;
}

describe('what a person gets wrong is answered in one line that names the value and the remedy', () => {
  const cases: { name: string; args: () => string[]; code: 1 | 2; says: RegExp }[] = [
    { name: 'no such text', args: () => ['train', 'nowhere.txt', '--out', 'x'], code: 1, says: /nowhere\.txt/ },
    {
      name: 'an empty text',
      args: () => ['train', 'empty.txt', '--out', 'x'],
      code: 1,
      says: /empty\.txt holds no text/,
    },
    {
      name: 'a context longer than the text',
      args: () => [...scratch.train('x'), '--context', '99999'],
      code: 1,
      says: /99999.*(shorter|more text)/,
    },
    {
      name: 'p = 0',
      args: () => [...scratch.train('x'), '--power', '0'],
      code: 2,
      says: /--power is "0"; expected a whole number of at least 1/,
    },
    {
      name: 'an odd p with the sum normaliser',
      args: () => [...scratch.train('x'), '--power', '3'],
      code: 2,
      says: /power is 3; expected an even number.*normalizer none/,
    },
    {
      name: 'heads that do not divide',
      args: () => [...scratch.train('x'), '--heads', '4', '--kv-heads', '3'],
      code: 2,
      says: /heads is 4; expected a multiple of keyValueHeads, 3/,
    },
    {
      name: 'an odd head size',
      args: () => [...scratch.train('x'), '--head-size', '7'],
      code: 2,
      says: /headSize is 7; expected an even number/,
    },
    {
      name: 'a batch that does not divide into pieces',
      args: () => [...scratch.train('x'), '--batch', '4', '--accumulate', '3'],
      code: 2,
      says: /accumulate is 3; expected a divisor of the batch, 4/,
    },
    {
      name: 'a state that no memory holds',
      args: () => [...scratch.train('x'), '--power', '40', '--head-size', '512'],
      code: 1,
      says: /bytes|B\b/,
    },
    {
      name: 'a batch that no memory holds',
      args: () => [...scratch.train('x'), '--batch', '100000000'],
      code: 1,
      says: /the tokens of a step take 12800000000 bytes; expected at most 2147483648 bytes/,
    },
    {
      name: 'a batch whose activations no tensor holds',
      args: () => [...scratch.train('x'), '--batch', '10000000', '--hidden', '32', '--backend', 'wasm'],
      code: 1,
      says: /one tensor of a step takes 20480000000 bytes; expected at most \d+ bytes.*accumulate/,
    },
    {
      name: 'a run that was begun otherwise',
      args: () => [...scratch.train('run', '--steps', '4'), '--lr', '0.5'],
      code: 2,
      says: /learningRate/,
    },
    {
      name: 'a folder with a run and --no-resume',
      args: () => [...scratch.train('run', '--steps', '4'), '--no-resume'],
      code: 2,
      says: /another folder/,
    },
    {
      name: 'an address of text',
      args: () => ['train', 'http://example.org/books.txt', '--out', 'x'],
      code: 1,
      says: /http:\/\/example\.org\/books\.txt is an address of text; .*Download it first/,
    },
    {
      name: 'weights for a checkpoint',
      args: () => ['generate', join(checkpoint, 'model.safetensors')],
      code: 1,
      says: /model\.safetensors is a file; expected the folder of a checkpoint.*Name the folder that it lies in, .*step-00000004/,
    },
    {
      name: 'a text for a checkpoint',
      args: () => ['eval', scratch.text, scratch.text],
      code: 1,
      says: /text\.txt is a file; expected the folder of a checkpoint/,
    },
    { name: 'no checkpoint', args: () => ['generate', scratch.folder], code: 1, says: /no checkpoint/ },
    { name: 'an empty prompt', args: () => ['generate', checkpoint, '--prompt', ''], code: 2, says: /prompt is empty/ },
    {
      name: 'a state that is none',
      args: () => ['generate', checkpoint, '--state-in', join(checkpoint, 'model.safetensors')],
      code: 1,
      says: /no state/,
    },
    {
      name: 'truncated weights',
      args: () => ['generate', harmed('short', (path) => truncateSync(join(path, 'model.safetensors'), 2000))],
      code: 1,
      says: /model\.safetensors/,
    },
    {
      name: 'one bit of the weights',
      args: () => ['eval', damaged('bit', (path) => flip(join(path, 'model.safetensors'), -1)), scratch.text],
      code: 1,
      says: /model\.safetensors is not as it was saved: .*Where it was replaced on purpose, remove checksums\.json/,
    },
    {
      name: 'one bit of the tokenizer',
      args: () => ['generate', damaged('word', (path) => flip(join(path, 'tokenizer.json'), 20))],
      code: 1,
      says: /tokenizer\.json is not as it was saved/,
    },
    {
      name: 'one bit of what training goes on from',
      args: () => {
        const path = scratch.at('run-damaged');
        cpSync(scratch.at('run'), path, { recursive: true });
        flip(join(path, 'checkpoints/step-00000004/training.safetensors'), -1);
        return scratch.train('run-damaged', '--steps', '6');
      },
      code: 1,
      says: /training\.safetensors is not as it was saved: .*expected .*checksums\.json/,
    },
    {
      name: 'weights whose header lies',
      args: () => ['generate', harmed('lying', (path) => lie(join(path, 'model.safetensors')))],
      code: 1,
      says: /model\.safetensors/,
    },
    {
      name: 'a configuration of another model',
      args: () => [
        'generate',
        harmed('other', (path) => edit(join(path, 'config.json'), /"hidden_size": 16/, '"hidden_size": 32')),
      ],
      code: 1,
      says: /model\.safetensors/,
    },
    {
      name: 'a configuration that is no JSON',
      args: () => ['eval', harmed('broken', (path) => writeFileSync(join(path, 'config.json'), '{')), scratch.text],
      code: 1,
      says: /config\.json/,
    },
    {
      name: 'an evaluation longer than the text',
      args: () => ['eval', checkpoint, scratch.text, '--length', '9999999'],
      code: 1,
      says: /9999999/,
    },
    {
      name: 'an unknown command',
      args: () => ['fly'],
      code: 2,
      says: /^sympow: unknown command 'fly'. See sympow --help.$/,
    },
    {
      name: 'an option with a typo',
      args: () => [...scratch.train('x'), '--stpes', '4'],
      code: 2,
      says: /^sympow: unknown option '--stpes' \(Did you mean --steps\?\) See sympow train --help.$/,
    },
    {
      name: 'a missing option',
      args: () => ['train', scratch.text],
      code: 2,
      says: /^sympow: required option '--out <folder>' not specified. See sympow train --help.$/,
    },
    { name: 'a missing argument', args: () => ['data', 'info'], code: 2, says: /'data'. See sympow data info --help/ },
    {
      name: 'an argument too many',
      args: () => ['doctor', 'x'],
      code: 2,
      says: /too many arguments.*See sympow doctor --help/,
    },
    {
      name: 'a word for a seed',
      args: () => ['doctor', '--seed', 'x'],
      code: 2,
      says: /--seed is "x"; .*whole number/,
    },
    {
      name: 'an endless standard deviation',
      args: () => [...scratch.train('x'), '--init-std', 'Infinity'],
      code: 2,
      says: /--init-std/,
    },
    {
      name: 'an endless horizon',
      args: () => [...scratch.train('x'), '--horizon', 'Infinity'],
      code: 2,
      says: /--horizon/,
    },
    {
      name: 'a word for a number',
      args: () => [...scratch.train('x'), '--steps', 'many'],
      code: 2,
      says: /--steps.*many.*whole number/s,
    },
    {
      name: 'an unknown backend',
      args: () => ['generate', checkpoint, '--backend', 'abacus'],
      code: 2,
      says: /--backend.*abacus.*js/,
    },
    {
      name: 'an unknown variant',
      args: () => [...scratch.train('x'), '--variant', 'quartic'],
      code: 2,
      says: /--variant.*quartic.*conformal/s,
    },
  ];
  it.each(cases)('$name: exit code $code', ({ args, code, says }) => {
    const ran = scratch.sympow(...args());
    expect(ran.stderr).not.toMatch(/\n\s+at /);
    expect(ran.stderr).not.toContain('unexpected');
    // The error is what is read last, with nothing behind it.
    expect(ran.stderr.trim().split('\n').at(-1)).toMatch(/^sympow: /);
    expect(ran.stderr.trim().split('\n').at(-1)).toMatch(says);
    expect(ran.code).toBe(code);
    expect(ran.stdout).toBe('');
  });

  it('a model that can be trained but not read with is named before it is trained, and refused when it is evaluated', () => {
    const huge = ['--power', '8', '--head-size', '32', '--heads', '1', '--steps', '1', '--backend', 'wasm'];
    const trained = scratch.sympow(...scratch.train('huge'), ...huge);
    const lines = trained.stderr.split('\n');
    const said = lines.findIndex((line) => /its state takes 7\.6 GiB for one stream.*at most 2\.0 GiB/.test(line));
    expect(said).toBeGreaterThanOrEqual(0);
    expect(said).toBeLessThan(lines.findIndex((line) => line.includes('training on')));
    expect(trained.code).toBe(0);
    const evaluated = scratch.sympow('eval', scratch.at('huge'), scratch.text, '--length', '32', '--backend', 'wasm');
    expect(evaluated.stderr).toMatch(/sympow: the state takes 60\.5 GiB for 8 streams, .*smaller power/);
    expect(evaluated.code).toBe(1);
    const experiment = {
      model: { layers: 1, hiddenSize: 16, heads: 1, headSize: 32, power: 8 },
      training: { batch: 2, steps: 2, learningRate: 0.01 },
      ...{ variants: ['conformal'], contexts: [8], evaluation: { length: 32, streams: 2 } },
    };
    writeFileSync(scratch.at('huge.json'), JSON.stringify(experiment));
    const compared = scratch.sympow('compare', 'huge.json', '--data', scratch.text, '--backend', 'wasm');
    expect(compared.stderr).toMatch(
      /sympow: the state of conformal-c8-s0 in its evaluation takes 15\.1 GiB for 2 streams/,
    );
    expect(compared.stderr).not.toContain('step 1');
    expect(compared.code).toBe(1);
  });

  it('a checkpoint without its tokenizer is read as bytes, which is said', () => {
    const bare = harmed('bare', (path) => {
      rmSync(join(path, 'tokenizer.json'));
    });
    const { stderr, code } = scratch.sympow('generate', bare, '--max-tokens', '2');
    expect(stderr).toMatch(/note: .*bare has no tokenizer\.json: its 256 tokens are taken for bytes/);
    expect(code).toBe(0);
  });

  it('--debug shows the stack', () => {
    expect(scratch.sympow('generate', scratch.folder, '--debug').stderr).toMatch(/CheckpointError[\s\S]*\n\s+at /);
  });
});

function edit(path: string, from: RegExp, to: string): void {
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
}

/** Flips a bit of the byte at a place. */
function flip(path: string, place: number): void {
  const bytes = readFileSync(path);
  bytes[bytes.length * Number(place < 0) + place]! ^= 1;
  writeFileSync(path, bytes);
}

/** Makes the first tensor of a safetensors file claim bytes that it does not have, without moving anything. */
function lie(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf('"data_offsets":[0,');
  bytes.write('9', at + '"data_offsets":['.length);
  writeFileSync(path, bytes);
}
