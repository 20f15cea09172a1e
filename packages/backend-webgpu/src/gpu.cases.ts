// The GPU that this package's tests run on: the best that Dawn finds, which without a GPU is the SwiftShader that
// vitest.config.ts points it to. Where there is neither, tests are skipped with the reason, but in CI they fail.
import { create } from 'webgpu';
import type { AdapterFacts, Products } from './api';
import { GpuBackend } from './backend';
import { openDevice } from './device';
import { withoutMatrixUnits } from './emulated.cases';
import { Failures } from './failures';
import { Machine } from './machine';
import { Pipelines } from './pipelines';

/**
 * Dawn clears the memory of workgroups by a loop. SwiftShader, asked for an initial value, writes code for every number of it, which is
 * half of what its compiler does.
 */
export const gpu = create(['disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension']);
export const onlyValidation = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);

const there = (await gpu.requestAdapter()) !== null;
/** Why there is nothing to compute on, or undefined. */
export const missing =
  there || process.env.CI ? undefined : 'no GPU adapter here; `apt-get install chromium` brings a software one';

interface Disguise {
  readonly gpu?: GPU;
  /** What the device is taken for. */
  readonly facts?: (real: AdapterFacts) => Partial<AdapterFacts>;
  readonly products?: Products;
  /** Whether matrix units are emulated; see emulated.cases.ts. */
  readonly emulated?: boolean;
  /** WGSL files other than the package's own. */
  readonly sources?: Readonly<Record<string, string>>;
}

/** A backend without its check of the device, in circumstances that are not there. */
export async function openAs({ gpu: other = gpu, facts, products, emulated, sources }: Disguise): Promise<GpuBackend> {
  const opened = await openDevice({ gpu: other });
  if (emulated) {
    const { device } = opened;
    const make = device.createShaderModule.bind(device);
    device.createShaderModule = (shader) => make({ ...shader, code: withoutMatrixUnits(shader.code) });
  }
  const failures = new Failures(opened.device);
  const pipelines = new Pipelines(opened.device, failures, sources);
  const machine = new Machine(opened.device, { ...opened.facts, ...facts?.(opened.facts) }, failures, pipelines, {
    products,
  });
  return new GpuBackend(machine, opened, {});
}
