/** Open MPI's library: the calls that are made of it, and its handles. Plain JavaScript, as worker.js says. */

/** Memory that stays where it is while MPI uses it. @param {number} bytes */
export const memory = (bytes) => new SharedArrayBuffer(Math.max(8, bytes));
/** @param {ArrayLike<number>} numbers */
export const ints = (numbers) => {
  const all = new Int32Array(memory(4 * numbers.length), 0, numbers.length);
  all.set(numbers);
  return all;
};

/** @typedef {typeof import('koffi').default} Koffi */

/** What cannot be, in the words of an error. */
export class Refusal extends Error {
  /** @param {{ what: string, value: unknown, message?: string, expected: string, remedy?: string }} details */
  constructor(details) {
    super(details.what);
    this.details = details;
  }
}

/** @param {string} name @param {string} text */
const failedTo = (name, text) =>
  new Refusal({ what: name, value: text, message: `MPI: ${name} failed: ${text}`, expected: 'it to do its work' });

/**
 * Loads the library and what is used of it.
 *
 * @param {Koffi} koffi
 * @param {string} [library]
 */
export function bind(koffi, library) {
  const names = library ? [library] : ['libmpi.so.40', 'libmpi.so', 'libmpi.40.dylib', 'libmpi.dylib'];
  let loaded;
  let why = '';
  for (const name of names) {
    try {
      loaded ??= koffi.load(name);
    } catch (error) {
      why ||= error instanceof Error ? error.message : String(error);
    }
  }
  if (!loaded) {
    throw new Refusal({
      what: 'libmpi',
      value: why,
      message: `${names[0]} cannot be loaded: ${why}`,
      expected: 'the shared library of Open MPI',
      remedy: 'Install Open MPI (Debian: apt install openmpi-bin libopenmpi3), or say where its libmpi lies.',
    });
  }
  const found = loaded;
  const versionOf = found.func('MPI_Get_library_version', 'int', ['void*', 'void*']);
  const text = new Uint8Array(memory(8192));
  const length = ints([0]);
  versionOf(text, length);
  const version = new TextDecoder().decode(text.slice(0, length[0])).replace(/\0.*$/s, '').split('\n')[0] ?? '';
  if (!/^Open MPI/.test(version)) {
    throw new Refusal({
      what: 'libmpi',
      value: version,
      message: `${names[0]} is ${version}, whose handles are numbers where those of Open MPI are pointers`,
      expected: 'Open MPI',
      remedy: 'Install Open MPI and start with its mpirun.',
    });
  }
  /** @param {string} name @returns {unknown} */
  const handle = (name) => found.symbol(name, 'void');
  const errorText = found.func('MPI_Error_string', 'int', ['int', 'void*', 'void*']);
  /** @param {string} name @param {string[]} args @returns {(...args: unknown[]) => unknown[]} what it was given */
  const call = (name, ...args) => {
    const own = /** @type {(...given: unknown[]) => number} */ (found.func(name, 'int', args));
    return (...given) => {
      const code = own(...given);
      if (code === 0) return given;
      errorText(code, text, length);
      throw failedTo(name, new TextDecoder().decode(text.slice(0, length[0])));
    };
  };
  const p = 'void*';
  return {
    version,
    world: handle('ompi_mpi_comm_world'),
    float: handle('ompi_mpi_float'),
    byte: handle('ompi_mpi_byte'),
    operations: { sum: handle('ompi_mpi_op_sum'), max: handle('ompi_mpi_op_max') },
    returns: handle('ompi_mpi_errors_return'),
    init: call('MPI_Init_thread', p, p, 'int', p),
    finalize: call('MPI_Finalize'),
    handler: call('MPI_Comm_set_errhandler', p, p),
    duplicate: call('MPI_Comm_dup', p, '_Out_ void **'),
    rank: call('MPI_Comm_rank', p, p),
    size: call('MPI_Comm_size', p, p),
    nameOf: call('MPI_Get_processor_name', p, p),
    test: call('MPI_Test', p, p, p),
    cancel: call('MPI_Cancel', p),
    send: call('MPI_Isend', p, 'int', p, 'int', 'int', p, p),
    receive: call('MPI_Irecv', p, 'int', p, 'int', 'int', p, p),
    barrier: call('MPI_Ibarrier', p, p),
    broadcast: call('MPI_Ibcast', p, 'int', p, 'int', p, p),
    allToAll: call('MPI_Ialltoallv', p, p, p, p, p, p, p, p, p, p),
    allGather: call('MPI_Iallgatherv', p, 'int', p, p, p, p, p, p, p),
    reduce: call('MPI_Reduce_local', p, p, 'int', p, p),
  };
}
