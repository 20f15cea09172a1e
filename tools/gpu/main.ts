// Measures a large GPU: `node measure.mjs PART [OPTION]…`, JSON lines on standard output. README.md says how it gets there, and what the
// lines mean. It opens devices that have not passed the backend's own check, and with other shaders: hence it is not in a `src`, whose
// files see of other packages what these export.
import { parseArgs } from 'node:util';
import type { Products } from '@sympow/backend-webgpu';
import { conformance } from './conformance';
import { decode, training } from './models';
import { check, matmul } from './products';
import { profile } from './profile';
import { attention, errors } from './sequences';
import { shadersOf } from './shaders';
import { Subject, type Dawn } from './subject';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    products: { type: 'string', default: 'float32' },
    /** Leaves out Dawn's checks of indexes. */
    'no-robustness': { type: 'boolean', default: false },
    /** Another switch of Dawn. */
    toggle: { type: 'string', multiple: true, default: [] },
    shaders: { type: 'string', default: 'main' },
    lengths: { type: 'string', default: '4096' },
    /** Seconds; what is not done by then is left out. */
    limit: { type: 'string', default: '60' },
    tiny: { type: 'boolean', default: false },
    /** The package `webgpu`: its name, or a file of it. */
    dawn: { type: 'string', default: 'webgpu' },
  },
});

const parts: Readonly<Record<string, (subject: Subject) => Promise<void>>> = {
  check,
  matmul,
  conformance,
  errors,
  attention,
  training: (subject) => training(subject, values.lengths.split(',').map(Number)),
  decode,
  profile,
};

const [part = ''] = positionals;
const run = parts[part];
const allProducts: readonly string[] = ['float32', 'split', 'float16'] satisfies readonly Products[];
if (!run || !allProducts.includes(values.products)) {
  process.stderr.write(
    `measure: one of ${Object.keys(parts).join(', ')}; --products is one of ${allProducts.join(', ')}. See tools/gpu/README.md.\n`,
  );
  process.exit(2);
}
const { products, toggle, shaders, tiny } = values;
const robust = !values['no-robustness'];
const subject = new Subject((await import(values.dawn)) as Dawn, {
  ...{ products: products as Products, robust, tiny, toggles: toggle, shaders: shadersOf(shaders) },
  seconds: Number(values.limit),
  head: {
    ...{ part, robustness: robust, products },
    ...(shaders !== 'main' && { shaders }),
    ...(toggle.length > 0 && { toggle: toggle.join() }),
  },
});
let code = 0;
try {
  await run(subject);
  subject.say('end');
} catch (error) {
  code = 1;
  subject.say('ERROR', { error: ((error as Error).stack ?? String(error)).slice(0, 900) });
}
// Devices that are open keep a process alive.
process.exit(code);
