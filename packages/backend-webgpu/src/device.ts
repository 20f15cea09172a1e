/** From what the caller has to a device with all the limits and features that this backend can use. */

import { BackendError, type SympowError } from '@sympow/kernels';
import type { AdapterFacts, WebGpuOptions } from './api';

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

/** @throws BackendError that says what is missing */
async function request({ gpu: given, powerPreference, software = true }: WebGpuOptions): Promise<OpenedDevice> {
  const gpu = (given ?? (globalThis as { navigator?: { gpu?: unknown } }).navigator?.gpu) as GPU | undefined;
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
    return { device, foreign: false, facts: factsOf(device, info) };
  } catch (error) {
    throw unavailable('an adapter that gives no device', 'a device', 'Close other programs that use the GPU.', error);
  }
}

/** @throws BackendError where there is no device to be had */
export async function openDevice(options: WebGpuOptions): Promise<OpenedDevice> {
  if (!options.device) return request(options);
  const device = options.device as unknown as GPUDevice;
  if (options.gpu) held.add(options.gpu);
  return { device, foreign: true, facts: factsOf(device, infoOf(device.adapterInfo)) };
}

function infoOf(info: GPUAdapterInfo | undefined) {
  const { vendor = '', architecture = '', description = '', isFallbackAdapter } = info ?? {};
  const software = isFallbackAdapter === true || cpu.test(`${architecture} ${description}`);
  return { vendor, architecture, description, software };
}

function factsOf(device: GPUDevice, info: ReturnType<typeof infoOf>): AdapterFacts {
  return {
    ...info,
    features: wantedFeatures.filter((name) => device.features.has(name)),
    limits: Object.fromEntries(wantedLimits.map((name) => [name, device.limits[name]])),
  };
}
