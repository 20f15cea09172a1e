import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ownWords, quoted } from './invocation';

const clone = 'node tools/setup.mjs && node tools/run.mjs apps/cli demo';
const main = '/home/ada/node_modules/sympow/dist/main.js';

describe('the words that call this program again', () => {
  it.each([
    ['npx sympow', { npm_lifecycle_event: 'npx' }, '/home/ada/node_modules/.bin/sympow'],
    ['npx sympow', { npm_lifecycle_event: 'npx' }, '/home/x/.npm/_npx/0123/node_modules/.bin/sympow'],
    [
      'npx sympow',
      { npm_lifecycle_event: 'demo', npm_lifecycle_script: 'sympow demo' },
      '/home/ada/node_modules/.bin/sympow',
    ],
    ['npx sympow', {}, main],
    ['sympow', {}, '/usr/bin/sympow'],
    [
      'npm run -s sympow --',
      { npm_lifecycle_event: 'start', npm_lifecycle_script: clone },
      '/home/ada/apps/cli/dist/main.js',
    ],
    [
      'pnpm sympow',
      { npm_lifecycle_event: 'sympow', npm_lifecycle_script: clone, npm_config_user_agent: 'pnpm/12.21.0' },
      '/home/ada/apps/cli/dist/main.js',
    ],
    ['node apps/cli/dist/main.js', {}, '/home/ada/apps/cli/dist/main.js'],
  ])('%s', (words, env, path) => expect(ownWords(env, path, '/home/ada')).toBe(words));
});

describe('a word in a shell', () => {
  it.each(['runs/demo/conformal', 'my runs/demo', 'a "quoted" one', 'it costs $HOME', '`date`', "it's", ''])(
    '%j',
    (word) => {
      expect(execFileSync('sh', ['-c', `printf %s ${quoted(word)}`], { encoding: 'utf8' })).toBe(word);
    },
  );
});
