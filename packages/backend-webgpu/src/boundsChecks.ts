/** Shaders that run without checks of their indexes: what is asked of Dawn for that, and on which devices it is allowed. */

import { BackendError, ConfigError } from '@sympow/kernels';
import type { AdapterFacts, BoundsChecks, Products, WebGpuOptions } from './api';
import { shaders } from './shaders.gen';

const all: readonly BoundsChecks[] = ['on', 'off', 'trial'];

/** The switches of Dawn that the options need. */
export function togglesOf({ boundsChecks = 'on' }: Pick<WebGpuOptions, 'boundsChecks'>): readonly string[] {
  return boundsChecks === 'on' ? [] : ['disable_robustness'];
}

/** @throws ConfigError where the option has no such value, or nothing that it could be asked of */
export function requireSwitch({ boundsChecks = 'on', gpu, device }: WebGpuOptions): void {
  const what = 'boundsChecks of the webgpu backend';
  if (!all.includes(boundsChecks)) {
    throw new ConfigError({ what, value: boundsChecks, expected: all.join(', ') });
  }
  if (boundsChecks === 'on' || (typeof gpu === 'function' && !device)) return;
  throw new ConfigError({
    what,
    value: boundsChecks,
    expected: device ? 'on for a device that is made already' : 'on where the option gpu is no function',
    remedy: 'In Node pass gpu: (toggles) => create([`enable-dawn-features=${toggles.join()}`]); browsers always check.',
  });
}

/** See `WebGpuBackend.fingerprint`. */
export function fingerprintOf({ vendor, architecture, device, description }: AdapterFacts, products: Products): string {
  const parts = [vendor, architecture, device, description].map((part) => part.trim());
  return [...parts, `products ${products}`, `shaders ${hashOfShaders()}`].join(' | ');
}

/** @throws BackendError where numbers without checks have not been found right there */
export function requireVerified(fingerprint: string, { boundsChecks = 'on', verified = [] }: WebGpuOptions): void {
  if (boundsChecks !== 'off' || verified.includes(fingerprint)) return;
  throw new BackendError({
    what: 'boundsChecks of the webgpu backend',
    value: 'off',
    message: `without checks of indexes nothing is known of ${fingerprint}`,
    expected: 'that fingerprint in verified, after all of the conformance suite has passed there',
    remedy: 'Run sympow doctor --without-bounds-checks, which notes it for the command line, or leave the option out.',
  });
}

let hash: string | undefined;

/** FNV-1a over all shaders, once. */
function hashOfShaders(): string {
  if (hash !== undefined) return hash;
  let bits = 0x811c9dc5;
  for (const name of Object.keys(shaders).sort()) {
    const text = `${name}\n${shaders[name]}`;
    for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash = (bits >>> 0).toString(16).padStart(8, '0'));
}
