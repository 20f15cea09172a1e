// The process of examples.mjs: runs bundled examples one after the other and writes down what each printed.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

const [results = '', seconds = '', ...files] = process.argv.slice(2);

/** @type {import('./examples.mjs').Outcome[]} */
const outcomes = [];
for (const file of files) {
  /** @type {import('./examples.mjs').Outcome} */
  const outcome = { printed: [] };
  Object.assign(globalThis, {
    /** @param {string} line @param {unknown[]} values */
    print: (line, ...values) => outcome.printed.push({ line, text: format(...values) }),
  });
  const late = new Promise((_, reject) =>
    setTimeout(() => reject(new Error(`not done after ${seconds} seconds`)), 1000 * Number(seconds)),
  );
  try {
    await Promise.race([import(pathToFileURL(file).href), late]);
  } catch (error) {
    outcome.error = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  outcomes.push(outcome);
}
writeFileSync(results, JSON.stringify(outcomes));
// Examples may leave backends with workers open.
process.exit(0);
