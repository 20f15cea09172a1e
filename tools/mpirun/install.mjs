// Open MPI for the tests of several processes: whether it is there, and how it comes onto a machine that is ours to change.
import { spawnSync } from 'node:child_process';

/** @param {string} program @param {string[]} args */
const answers = (program, ...args) => spawnSync(program, args, { encoding: 'utf8' });

/** Why these tests cannot run; nothing where they can. @returns {string | undefined} */
export function noMpi() {
  const { error, stdout } = answers('mpirun', '--version');
  if (error) return 'no mpirun on PATH: install Open MPI (Debian: openmpi-bin libopenmpi3)';
  return /Open MPI|Open RTE/.test(stdout) ? undefined : `mpirun is not that of Open MPI: ${stdout.split('\n')[0]}`;
}

/** Installs Open MPI where it is missing and this process may: as root, with apt. */
export function installMpi() {
  if (!answers('mpirun', '--version').error || process.getuid?.() !== 0 || answers('apt-get', '--version').error)
    return;
  process.stderr.write(
    'installing Open MPI for the tests of several processes: apt-get install openmpi-bin libopenmpi3\n',
  );
  const apt = (/** @type {string[]} */ ...args) =>
    spawnSync('apt-get', ['-qq', '-y', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 2],
    }).status === 0;
  const install = () => apt('install', '--no-install-recommends', 'openmpi-bin', 'libopenmpi3');
  if (!install() && !(apt('update') && install())) process.stderr.write('apt-get could not install it\n');
}
