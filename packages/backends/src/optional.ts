// Packages that need not be there: too large for everybody, installed by those who want them.

import { BackendError } from '@sympow/kernels';

/** What `load` imports. @throws BackendError that says how to install it */
export async function optionalPackage<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new BackendError({
      what: `the package ${name}`,
      value: 'not there',
      message: `the package ${name} cannot be loaded`,
      expected: 'it beside sympow',
      remedy: `Install it with npm install ${name}.`,
      cause,
    });
  }
}
