// Packages that need not be there: too large for everybody, installed by those who want them.

import { BackendError } from '@sympow/kernels';

/**
 * Imports a package by a name that no bundler looks at: one that finds nothing there would stop, or warn, though nobody wants it.
 * In a bundle such a package is not to be had by its name.
 *
 * @throws BackendError that says how to install it
 */
export async function optionalPackage<Module>(name: string): Promise<Module> {
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as Module;
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
