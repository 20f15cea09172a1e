// The WebAssembly modules: the AssemblyScript sources compiled three times, into a TypeScript file each that holds its bytes.
import { fileURLToPath } from 'node:url';

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

/** Digits of base 85 that a string may hold as they are; src/module.ts reads them. */
const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** Four bytes as five digits, a twentieth less than base 64 takes. @param {Uint8Array} bytes */
function base85(bytes) {
  const view = new DataView(new ArrayBuffer(Math.ceil(bytes.length / 4) * 4));
  new Uint8Array(view.buffer).set(bytes);
  let text = '';
  for (let at = 0; at < view.byteLength; at += 4) {
    const word = view.getUint32(at);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += digits[Math.floor(word / power) % 85];
  }
  return text;
}

export const outputs = Object.fromEntries(
  Object.entries(variants).map(([name, features]) => [
    `src/${name}.gen.ts`,
    async () => {
      const bytes = await compile(features);
      return `export const size = ${bytes.length};\nexport const base85 = '${base85(bytes)}';\n`;
    },
  ]),
);
