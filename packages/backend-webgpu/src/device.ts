/** From what the caller has to a device with all the limits and features that this backend can use. */

import { BackendError, type SympowError } from '@sympow/kernels';
import type { AdapterFacts, WebGpuOptions } from './api';
import { togglesOf } from './boundsChecks';

/** Used where present, never required. */
const wantedFeatures = ['shader-f16', 'subgroups', 'timestamp-query', 'chromium-experimental-subgroup-matrix'] as const;

/** Taken as large as the adapter has them. */
const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
] as const;

export interface OpenedDevice {
  readonly device: GPUDevice;
  /** Whether it was handed in: then it is left alone when the backend closes. */
  readonly foreign: boolean;
  readonly facts: AdapterFacts;
}

// Dawn ends the process when the object from its `create` is collected while a device lives.
const held = new Set<object>();

const cpu = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|software/i;

function unavailable(value: string, expected: string, remedy: string, cause?: unknown): SympowError {
  return new BackendError({ what: 'WebGPU', value, message: `there is ${value}`, expected, remedy, cause });
}

function gpuOf({ gpu, boundsChecks }: Pick<WebGpuOptions, 'gpu' | 'boundsChecks'>): GPU | undefined {
  const given = typeof gpu === 'function' ? gpu(togglesOf({ boundsChecks })) : gpu;
  return (given ?? (globalThis as { navigator?: { gpu?: unknown } }).navigator?.gpu) as GPU | undefined;
}

/** @throws BackendError that says what is missing */
async function request(options: WebGpuOptions): Promise<OpenedDevice> {
  const { powerPreference, software = true } = options;
  const gpu = gpuOf(options);
  if (!gpu) {
    throw unavailable(
      'no WebGPU in this runtime',
      'navigator.gpu or the option gpu',
      'In Node install the package webgpu and pass gpu: create([]); in a browser use one with WebGPU over https or localhost.',
    );
  }
  held.add(gpu);
  let adapter: GPUAdapter | null = null;
  let cause: unknown;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: powerPreference ?? 'high-performance' });
  } catch (error) {
    cause = error;
  }
  if (!adapter) {
    throw unavailable('no GPU adapter', 'one', 'Install a driver for Vulkan, Metal or Direct3D 12.', cause);
  }
  const info = infoOf(adapter.info);
  if (info.software && !software) {
    throw unavailable(
      `only a software adapter (${[info.vendor, info.architecture, info.description].filter(Boolean).join(', ')})`,
      'a GPU',
      'Allow it with software: true, or use a backend that is made for the CPU.',
    );
  }
  const requiredFeatures = wantedFeatures.filter((name) => adapter.features.has(name)) as GPUFeatureName[];
  const requiredLimits = Object.fromEntries(wantedLimits.map((name) => [name, adapter.limits[name]]));
  try {
    const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
    return { device, foreign: false, facts: factsOf(device, info, hasMatrixUnits(gpu, device, adapter.info)) };
  } catch (error) {
    throw unavailable('an adapter that gives no device', 'a device', 'Close other programs that use the GPU.', error);
  }
}

/** @throws BackendError where there is no device to be had */
export async function openDevice(options: WebGpuOptions): Promise<OpenedDevice> {
  if (!options.device) return request(options);
  const device = options.device as unknown as GPUDevice;
  const gpu = gpuOf(options);
  if (gpu) held.add(gpu);
  const matrixUnits = hasMatrixUnits(gpu, device, device.adapterInfo);
  return { device, foreign: true, facts: factsOf(device, infoOf(device.adapterInfo), matrixUnits) };
}

function infoOf(info: GPUAdapterInfo | undefined) {
  const { vendor = '', architecture = '', device = '', description = '', isFallbackAdapter } = info ?? {};
  const software = isFallbackAdapter === true || cpu.test(`${architecture} ${description}`);
  return { vendor, architecture, device, description, software };
}

/** What an adapter says of matrices that its subgroups multiply; not in the standard yet. */
interface SubgroupFacts {
  readonly subgroupMinSize?: number;
  readonly subgroupMaxSize?: number;
  readonly subgroupMatrixConfigs?: Iterable<{
    readonly M: number;
    readonly N: number;
    readonly K: number;
    readonly componentType: string;
    readonly resultComponentType: string;
  }>;
}

/** Whether `matrix_product.wgsl` runs there: its features, its words of WGSL, and its size of matrix. */
function hasMatrixUnits(gpu: GPU | undefined, { features }: GPUDevice, info: GPUAdapterInfo | undefined): boolean {
  const needs = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];
  const words = ['buffer_view', 'subgroup_id'];
  const { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs = [] } = (info ?? {}) as SubgroupFacts;
  return (
    needs.every((name) => features.has(name)) &&
    words.every((name) => gpu?.wgslLanguageFeatures?.has(name)) &&
    subgroupMinSize === 32 &&
    subgroupMaxSize === 32 &&
    [...subgroupMatrixConfigs].some(
      ({ M, N, K, componentType, resultComponentType }) =>
        M === 16 && N === 16 && K === 16 && componentType === 'f16' && resultComponentType === 'f32',
    )
  );
}

function factsOf(device: GPUDevice, info: ReturnType<typeof infoOf>, matrixUnits: boolean): AdapterFacts {
  return {
    ...info,
    matrixUnits,
    features: wantedFeatures.filter((name) => device.features.has(name)),
    limits: Object.fromEntries(wantedLimits.map((name) => [name, device.limits[name]])),
  };
}
