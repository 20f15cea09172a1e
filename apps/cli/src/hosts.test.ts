// Two hosts that the test makes itself: network namespaces with an address and a name each, and sshd on the second. Needs root.

import { noMpi, prepareMpi } from '@sympow-tools/mpirun';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.cases';

const limit = 180_000;
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const here = (program: string, ...args: string[]) => spawnSync(program, args, { encoding: 'utf8' });

/** Why there cannot be two hosts; nothing where they are made. */
function noHosts(): string | undefined {
  if (process.env.THOROUGH === undefined) return 'THOROUGH=1 makes two hosts';
  if (process.getuid?.() !== 0) return 'two hosts need root';
  const missing = ['ip', 'unshare', 'sshd', 'ssh-keygen'].find((name) => here('which', name).status !== 0);
  return missing ? `no ${missing} on PATH (Debian: iproute2, openssh-server)` : noMpi();
}

const spaces = ['first', 'second'].map((name) => `sympow-${process.pid}-${name}`) as [string, string];
const link = 'sympow0';
const addresses = ['10.211.7.1', '10.211.7.2'];

describe.skipIf(noHosts())(`two hosts${noHosts() ? ` (${noHosts()})` : ''}`, () => {
  let scratch: Scratch;
  let sshd: ChildProcess;

  const run = (program: string, ...args: string[]) => {
    const { status, stderr } = here(program, ...args);
    expect(status, `${program} ${args.join(' ')}: ${stderr}`).toBe(0);
  };

  beforeAll(async () => {
    scratch = new Scratch();
    prepareMpi();
    const [first, second] = spaces;
    for (const space of spaces) run('ip', 'netns', 'add', space);
    run('ip', 'link', 'add', link, 'netns', first, 'type', 'veth', 'peer', 'name', link, 'netns', second);
    for (const [i, space] of spaces.entries()) {
      run('ip', '-n', space, 'addr', 'add', `${addresses[i]}/24`, 'dev', link);
      for (const each of ['lo', link]) run('ip', '-n', space, 'link', 'set', each, 'up');
    }
    mkdirSync(disk());
    run('mount', '-t', 'tmpfs', '-o', 'size=2m', 'none', disk());
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', scratch.at('key'));
    mkdirSync('/run/sshd', { recursive: true });
    const key = scratch.at('key');
    const settings = {
      ...{ ListenAddress: addresses[1], HostKey: key, AuthorizedKeysFile: `${key}.pub`, PidFile: 'none' },
      ...{ StrictModes: 'no', UsePAM: 'no', PermitRootLogin: 'yes' },
    };
    const lines = Object.entries(settings).map((pair) => pair.join(' '));
    writeFileSync(scratch.at('sshd.conf'), `${lines.join('\n')}\n`);
    const command = `hostname second; exec "$(which sshd)" -D -e -f ${scratch.at('sshd.conf')}`;
    sshd = spawn('ip', ['netns', 'exec', second, 'unshare', '--uts', 'sh', '-c', command], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await new Promise<void>((resolve) =>
      sshd.stderr!.setEncoding('utf8').on('data', (text: string) => text.includes('listening') && resolve()),
    );
  }, limit);

  afterAll(() => {
    sshd?.kill();
    for (const space of spaces) here('ip', 'netns', 'delete', space);
    here('umount', disk());
    scratch.remove();
  });

  /** `mpirun` on the first host, with a process on each. */
  function started(out: string, ...more: string[]) {
    const ssh = `-q -i ${scratch.at('key')} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null`;
    // As the page about clusters says.
    const mca = {
      ...{ plm_rsh_args: ssh, btl: 'tcp,self', btl_tcp_if_include: link, oob_tcp_if_include: link },
      ...{ oob_tcp_keepalive_time: '1', oob_tcp_keepalive_intvl: '1', oob_tcp_keepalive_probes: '3' },
    };
    const model = [
      '--layers',
      '1',
      '--hidden',
      '16',
      '--heads',
      '2',
      '--head-size',
      '8',
      '--context',
      '16',
      '--batch',
      '8',
    ];
    const args = [
      ...['netns', 'exec', spaces[0], 'unshare', '--uts', 'sh', '-c', 'hostname first; exec "$@"', 'sh', 'mpirun'],
      ...['--allow-run-as-root', '--host', addresses.map((address) => `${address}:1`).join()],
      ...Object.entries(mca).flatMap(([name, value]) => ['--mca', name, value]),
      ...['-n', '2', process.execPath, main, 'train', scratch.text, '--out', scratch.at(out), ...model],
      ...[
        '--backend',
        'js',
        '--checkpoint-every',
        '5',
        '--keep',
        '1',
        '--decay-steps',
        '4000',
        '--warmup',
        '400',
        ...more,
      ],
    ];
    const child = spawn('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<{ code: number | null; stderr: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, stderr })),
    );
    return { child, ended };
  }

  /** Waits for the first checkpoint of a run. */
  async function saved(out: string, { child }: { child: ChildProcess }) {
    while (!existsSync(scratch.at(out, 'checkpoints/step-00000005/checksums.json')) && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(child.exitCode).toBe(null);
  }

  /** The small disk on which one of the runs is. */
  const disk = () => scratch.at('a-full-disk-on-rank-0');

  const theirs = () =>
    here('ip', 'netns', 'pids', spaces[1])
      .stdout.trim()
      .split('\n')
      .filter((pid) => here('ps', '-o', 'args=', '-p', pid).stdout.startsWith(`${process.execPath} ${main}`));

  const ends: [string, RegExp, () => unknown, () => void][] = [
    [
      'a cut link',
      // Who sees it first says it: mpirun, or the process that waits.
      /lost communication with a remote daemon[^]* on node 10\.211\.7\.2|^sympow: rank 1 on second has not been heard of/m,
      () => run('ip', '-n', spaces[0], 'link', 'set', link, 'down'),
      () => run('ip', '-n', spaces[0], 'link', 'set', link, 'up'),
    ],
    [
      'kill -9 on the second host',
      /process rank 1 with PID .* on node .* exited on signal 9|rank 1 on second/,
      () => run('kill', '-9', ...theirs()),
      () => undefined,
    ],
    [
      'a full disk on rank 0',
      /^sympow: .*(disk is full|no space)/im,
      () => here('dd', 'if=/dev/zero', `of=${disk()}/filled`, 'bs=4k'),
      () => run('rm', `${disk()}/filled`),
    ],
  ];
  it.each(ends)(
    '%s ends all within 10 seconds, and the run goes on from its last checkpoint',
    async (name, words, act, undo) => {
      const out = name.replaceAll(/\W+/g, '-');
      const job = started(out, '--steps', '4000');
      await saved(out, job);
      const start = performance.now();
      let ended;
      try {
        act();
        ended = await job.ended;
      } finally {
        undo();
      }
      expect((performance.now() - start) / 1000).toBeLessThan(process.env.CI ? 10 : 30);
      expect(ended.code).not.toBe(0);
      expect(ended.stderr).toContain('2 processes on 2 machines');
      expect(ended.stderr).toMatch(words);
      while (theirs().length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
      const last = readdirSync(scratch.at(out, 'checkpoints'))
        .filter((each) => /^step-\d+$/.test(each))
        .at(-1);
      const step = Number(/\d+/.exec(last)![0]);
      const again = await started(out, '--steps', `${step + 1}`).ended;
      expect(again.code, again.stderr).toBe(0);
      expect(again.stderr).toContain(`step ${step} of ${step + 1}`);
    },
    limit,
  );
});
