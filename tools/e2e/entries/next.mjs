// Next, exported as a static site. It writes a script into the page, of which a policy has to have the hash.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../project.mjs';
import { pagesOf } from '../pages.mjs';

export const packages = { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' };

const index = `import { useEffect } from 'react';
export default function Page() {
  useEffect(() => {
    import('../page.mjs');
  }, []);
  return 'sympow';
}
`;

/** @type {import('../project.mjs').Entry['tries']} */
export const tries = (project) =>
  pagesOf('next', false, async () => {
    mkdirSync(join(project, 'pages'), { recursive: true });
    writeFileSync(join(project, 'pages/index.js'), index);
    writeFileSync(join(project, 'next.config.mjs'), "export default { output: 'export' };\n");
    const next = join(project, 'node_modules/next/dist/bin/next');
    runProgram(project, process.execPath, [next, 'build'], { env: { NEXT_TELEMETRY_DISABLED: '1' } });
    return join(project, 'out');
  });
