// A Vulkan driver that computes on any CPU: SwiftShader, as Debian's chromium brings it. The loader reads these variables when
// a process starts, so they are for the environment of one to be started. Run as a program, prints them for `env`.
//
// Nearly all the time goes into compiling shaders, a third of that into handing memory back to the system after each of them and asking
// for it again: what malloc has once it keeps.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = '/usr/lib/chromium';
const driver = `${folder}/vk_swiftshader_icd.json`;

/** @type {Record<string, string>} empty where there is none */
export const softwareGpu = existsSync(driver)
  ? {
      ...{ VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: folder },
      ...{ MALLOC_TRIM_THRESHOLD_: String(2 ** 30), MALLOC_MMAP_THRESHOLD_: String(2 ** 30) },
    }
  : {};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, value] of Object.entries(softwareGpu)) process.stdout.write(`${name}=${value}\n`);
}
