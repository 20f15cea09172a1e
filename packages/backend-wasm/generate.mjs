// The WebAssembly modules: the AssemblyScript sources compiled three times, into one TypeScript file that holds their bytes.
import { fileURLToPath } from 'node:url';

export const inputs = ['assembly', 'generate.mjs', 'package.json'];
export const output = 'src/modules.gen.ts';

const directory = fileURLToPath(new URL('.', import.meta.url));
const simd = ['--enable', 'simd'];
const relaxed = [...simd, '--enable', 'relaxed-simd'];
const variants = {
  simd: [...simd, '--use', 'WIDE=0'],
  relaxed: [...relaxed, '--use', 'WIDE=0'],
  wide: [...relaxed, '--use', 'WIDE=1'],
};

/** @param {string[]} features @returns {Promise<string>} base64 */
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
  return Buffer.from(bytes).toString('base64');
}

export async function generate() {
  let text = '';
  for (const [name, features] of Object.entries(variants))
    text += `export const ${name} = '${await compile(features)}';\n`;
  return text;
}
