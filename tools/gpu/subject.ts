// What every part is given: the backend in the circumstances that were asked for, the clock, and lines to write.
import { webgpu, type GpuLike, type Products, type WebGpuBackend } from '@sympow/backend-webgpu';
import { GpuBackend } from '../../packages/backend-webgpu/src/backend';
import { openDevice } from '../../packages/backend-webgpu/src/device';
import { Failures } from '../../packages/backend-webgpu/src/failures';
import { Machine } from '../../packages/backend-webgpu/src/machine';
import { Pipelines } from '../../packages/backend-webgpu/src/pipelines';
import { median } from '../bench/src/measure';
import { normals as slowNormals } from '../bench/src/numbers';

/** The little that is used of the package `webgpu`, which lies beside the bundle on the machine and not beside this file. */
export interface Dawn {
  create(options: string[]): GpuLike;
}

/** How a part was started. */
export interface Circumstances {
  readonly products: Products;
  /** Whether Dawn checks indexes. */
  readonly robust: boolean;
  /** Other switches of Dawn. */
  readonly toggles: readonly string[];
  /** Other shaders in place of the backend's own, by the names of their files. */
  readonly shaders?: Readonly<Record<string, string>> | undefined;
  /** Small sizes, on whatever device is there. */
  readonly tiny: boolean;
  readonly seconds: number;
  /** What each line begins with. */
  readonly head: Readonly<Record<string, unknown>>;
}

const began = performance.now();

export class Subject {
  private readonly gpu: GpuLike;

  constructor(
    private readonly dawn: Dawn,
    readonly circumstances: Circumstances,
  ) {
    this.gpu = this.create([
      'vulkan_enable_f16_on_nvidia',
      ...(circumstances.robust ? [] : ['disable_robustness']),
      ...circumstances.toggles,
    ]);
  }

  get tiny(): boolean {
    return this.circumstances.tiny;
  }

  /** Seconds until the part has to be done. */
  left(): number {
    return this.circumstances.seconds - (performance.now() - began) / 1e3;
  }

  /** A line of JSON: figures with four digits, and `s`, the seconds since the start. */
  say(what: string, figures: Readonly<Record<string, unknown>> = {}): void {
    const short = (x: unknown): unknown => (typeof x === 'number' ? Number(x.toPrecision(4)) : x);
    const rounded = Object.fromEntries(Object.entries(figures).map(([key, x]) => [key, short(x)]));
    const s = Math.round((performance.now() - began) / 100) / 10;
    process.stdout.write(`${JSON.stringify({ ...this.circumstances.head, what, ...rounded, s })}\n`);
  }

  /** A backend that has not checked itself, so that wrong numbers can be looked at. */
  async open({ timestamps = false } = {}): Promise<WebGpuBackend> {
    const opened = await openDevice({ gpu: this.gpu });
    const { device, facts } = opened;
    const failures = new Failures(device);
    const products = this.productsOn(facts);
    const pipelines = new Pipelines(device, failures, this.circumstances.shaders);
    return new GpuBackend(new Machine(device, facts, failures, pipelines, { timestamps, products }), opened, {});
  }

  /** What is multiplied with: on a device without matrix units, which a tiny run may have, float32 in place of the others. */
  productsOn({ matrixUnits }: { readonly matrixUnits: boolean }): Products {
    return matrixUnits ? this.circumstances.products : 'float32';
  }

  /** The same device as it is used by default: float32, indexes checked, its own check passed. */
  openPlain(): Promise<WebGpuBackend> {
    return webgpu({ gpu: this.create([]) }).open();
  }

  /** Median milliseconds of one run, each round long enough for the clock; fewer rounds where time runs out. */
  async time(backend: WebGpuBackend, run: () => void, { rounds = 5, least = 80 } = {}): Promise<number> {
    const round = async (times: number) => {
      const start = performance.now();
      for (let i = 0; i < times; i++) run();
      await backend.finish();
      return (performance.now() - start) / times;
    };
    await round(1);
    const times = Math.max(1, Math.min(50, Math.ceil(least / (await round(1)))));
    const all: number[] = [];
    for (let i = 0; i < rounds && (i === 0 || this.left() > 3); i++) all.push(await round(times));
    return median(all);
  }

  private create(toggles: readonly string[]): GpuLike {
    const features = ['allow_unsafe_apis', ...toggles].join();
    return this.dawn.create([...(this.tiny ? [] : ['backend=vulkan']), `enable-dawn-features=${features}`]);
  }
}

/** As many numbers as wanted, 65,521 random ones over and over: 50 million take seconds otherwise. */
export function normals(name: string, size: number): Float32Array {
  const few = slowNormals(name, Math.min(size, 65521));
  const all = new Float32Array(size);
  for (let at = 0; at < size; at += few.length) all.set(few.subarray(0, Math.min(few.length, size - at)), at);
  return all;
}

/** ‖a − b‖ / ‖b‖. */
export function off(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [error, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  return Math.sqrt(error / norm);
}
