/// <reference types="@webgpu/types" />
/** The numbers behind `GPUBufferUsage` and `GPUMapMode`, which are no globals in Node. */

export const usage = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
  queryResolve: 0x200,
} as const;

export const mapRead = 0x1;

/** What a compute shader's bindings are visible to. */
export const computeStage = 0x4;
