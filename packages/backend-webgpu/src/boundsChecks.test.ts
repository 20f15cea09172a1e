import { BackendError, ConfigError } from '@sympow/kernels';
import { create } from 'webgpu';
import { describe, expect, it } from 'vitest';
import type { BoundsChecks, MakeGpu, WebGpuOptions } from './api';
import { webgpu } from './backend';
import { missing, onlyValidation } from './gpu.cases';

/** Notes the switches that it is asked for. */
function noting(make: MakeGpu) {
  const asked: (readonly string[])[] = [];
  return { asked, gpu: (toggles: readonly string[]) => (asked.push(toggles), make(toggles)) };
}

describe('boundsChecks', () => {
  it('asks Dawn for its switch, and for none where indexes are checked', async () => {
    // This device computes nothing, so none of them opens.
    const { asked, gpu } = noting(() => onlyValidation);
    for (const boundsChecks of [undefined, 'on', 'trial'] as const)
      await expect(webgpu({ gpu, boundsChecks }).open()).rejects.toThrow(/computes wrong/);
    await expect(webgpu({ gpu, boundsChecks: 'off' }).open()).rejects.toThrow(/nothing is known/);
    expect(asked).toEqual([[], [], ['disable_robustness'], ['disable_robustness']]);
  });

  it.each<[string, WebGpuOptions, RegExp]>([
    ['a value that it does not have', { boundsChecks: 'none' as BoundsChecks }, /expected on, off, trial/],
    ['a browser', { boundsChecks: 'off' }, /where the option gpu is no function.*In Node pass gpu: \(toggles\)/],
    ['a GPU that is there already', { boundsChecks: 'trial', gpu: onlyValidation }, /is no function/],
    ['a device', { boundsChecks: 'off', gpu: () => onlyValidation, device: {} as never }, /made already/],
  ])('refuses %s', (_, options, message) => {
    expect(() => webgpu(options)).toThrow(message);
    expect(() => webgpu(options)).toThrow(ConfigError);
  });

  it.skipIf(missing)(`opens where its fingerprint is verified alone${missing ? `: ${missing}` : ''}`, async () => {
    const make: MakeGpu = (toggles) =>
      create([
        'disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension',
        `enable-dawn-features=${toggles.join()}`,
      ]);
    const trial = await webgpu({ gpu: make, boundsChecks: 'trial' }).open();
    const { fingerprint, capabilities } = trial;
    expect(capabilities.notes).toContain('indexes are not checked');
    for (const part of [trial.adapter.device, trial.adapter.description, 'products float32'])
      expect(fingerprint).toContain(part);
    await trial.close();

    const open = (verified?: readonly string[]) => webgpu({ gpu: make, boundsChecks: 'off', verified }).open();
    for (const verified of [undefined, [fingerprint.replace('float32', 'float16')]]) {
      const refusal = open(verified);
      await expect(refusal).rejects.toThrow(BackendError);
      await expect(refusal).rejects.toThrow(/nothing is known of .*Run sympow doctor --without-bounds-checks/);
    }
    const backend = await open(['another', fingerprint]);
    const x = backend.upload([1, 2, 3], [3]);
    backend.kernels.add({ a: x, b: x, y: x });
    expect([...(await x.read())]).toEqual([2, 4, 6]);
    await backend.close();
  });
});
