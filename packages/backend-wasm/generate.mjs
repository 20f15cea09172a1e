// The WebAssembly modules: the AssemblyScript sources compiled three times, into a TypeScript file each that holds its bytes,
// deflated: the text has little more than half the bytes of the module.
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';

export const inputs = ['assembly', 'generate.mjs', 'package.json'];

const directory = fileURLToPath(new URL('.', import.meta.url));
const simd = ['--enable', 'simd'];
const relaxed = [...simd, '--enable', 'relaxed-simd'];
const variants = {
  simd: [...simd, '--use', 'WIDE=0'],
  relaxed: [...relaxed, '--use', 'WIDE=0'],
  wide: [...relaxed, '--use', 'WIDE=1'],
};

/** @param {string[]} features @returns {Promise<Uint8Array>} */
async function compile(features) {
  const { default: asc } = await import('assemblyscript/asc');
  const options = [
    '-O3',
    '--noAssert',
    '--runtime',
    'stub',
    '--importMemory',
    '--initialMemory',
    '1',
    '--use',
    'abort=',
  ];
  /** @type {string | Uint8Array | undefined} */
  let bytes;
  let messages = '';
  const { error } = await asc.main(
    ['assembly/index.ts', ...options, ...features, '--baseDir', directory, '-o', 'module.wasm'],
    {
      stderr: { write: (text) => void (messages += String(text)) },
      writeFile: (_name, contents) => void (bytes = contents),
    },
  );
  if (error || !bytes) throw new Error(`AssemblyScript: ${error?.message}\n${messages}`);
  return /** @type {Uint8Array} */ (bytes);
}

export const outputs = Object.fromEntries(
  Object.entries(variants).map(([name, features]) => [
    `src/${name}.gen.ts`,
    async () => {
      const packed = deflateSync(await compile(features), { level: 9 });
      return `export const base64 = '${packed.toString('base64')}';\n`;
    },
  ]),
);
