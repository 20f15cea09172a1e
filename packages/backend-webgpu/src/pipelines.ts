/** Compiled shaders, one per file and variant, kept for as long as the device. */

import type { Failures } from './failures';
import { computeStage } from './gpu';
import { compose, type Shader, type Variant } from './shader';

export interface Pipeline extends Pick<Shader, 'tensors' | 'parameters'> {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Equal for pipelines whose bindings are of the same kinds. */
  readonly kinds: string;
}

/** A variant of a shader that is not compiled yet. */
export interface Wanted {
  readonly name: string;
  readonly variant: Variant;
}

export class Pipelines {
  private readonly compiled = new Map<string, Pipeline>();
  private readonly layouts = new Map<string, { layout: GPUBindGroupLayout; whole: GPUPipelineLayout }>();

  constructor(
    private readonly device: GPUDevice,
    private readonly failures: Failures,
    private readonly sources?: Readonly<Record<string, string>>,
  ) {}

  /** Compiles on first use. */
  get(name: string, variant: Variant): Pipeline {
    const key = keyOf(name, variant);
    let found = this.compiled.get(key);
    if (!found) {
      found = this.failures.watch(`the shader ${name}`, () => {
        const { descriptor, rest } = this.prepare(name, variant);
        return { ...rest, pipeline: this.device.createComputePipeline(descriptor) };
      });
      this.compiled.set(key, found);
    }
    return found;
  }

  /** Adds a variant to those that {@link compile} is given, unless it is there already. */
  collect(wanted: Map<string, Wanted>, name: string, variant: Variant): void {
    const key = keyOf(name, variant);
    if (!this.compiled.has(key)) wanted.set(key, { name, variant });
  }

  /** Compiles side by side, off this thread where the implementation can. */
  async compile(wanted: ReadonlyMap<string, Wanted>, onDone: () => void): Promise<void> {
    await Promise.all(
      [...wanted].map(async ([key, { name, variant }]) => {
        const { descriptor, rest } = this.failures.watch(`the shader ${name}`, () => this.prepare(name, variant));
        try {
          const pipeline = await this.device.createComputePipelineAsync(descriptor);
          this.compiled.set(key, { ...rest, pipeline });
        } catch (cause) {
          await this.failures.explain(cause);
        }
        onDone();
      }),
    );
  }

  private prepare(name: string, variant: Variant) {
    const { code, tensors, parameters } = compose(name, variant, this.sources);
    const kinds = `${parameters.length > 0 ? 'u' : ''}${tensors.map(({ writes }) => (writes ? 'w' : 'r')).join('')}`;
    const { layout, whole } = this.layoutOf(kinds);
    const descriptor: GPUComputePipelineDescriptor = {
      label: name,
      layout: whole,
      compute: { module: this.device.createShaderModule({ label: name, code }), entryPoint: 'main' },
    };
    return { descriptor, rest: { tensors, parameters, layout, kinds } };
  }

  private layoutOf(kinds: string) {
    let found = this.layouts.get(kinds);
    if (!found) {
      const entries = [...kinds].map((kind, binding): GPUBindGroupLayoutEntry => {
        const type = kind === 'u' ? 'uniform' : kind === 'w' ? 'storage' : 'read-only-storage';
        return { binding, visibility: computeStage, buffer: { type } };
      });
      const layout = this.device.createBindGroupLayout({ entries });
      found = { layout, whole: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }) };
      this.layouts.set(kinds, found);
    }
    return found;
  }
}

function keyOf(name: string, { imports = {}, flags = new Set(), constants = {}, halves }: Variant): string {
  let key = name;
  for (const slot in imports) key += `|${slot}=${imports[slot]}`;
  for (const flag of flags) key += `|${flag}`;
  for (const constant in constants) key += `|${constant}=${constants[constant]}`;
  for (const tensor in halves) key += `|${tensor}:${halves[tensor]}`;
  return key;
}
