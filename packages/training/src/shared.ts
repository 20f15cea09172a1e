/** One update by several processes: each computes its rows, all make the same update from the sum of their gradients. */

import type { Variable } from '@sympow/autograd';
import type { Communicator, HalfType } from '@sympow/core';
import type { Batch } from '@sympow/data';
import type { Backend, Tensor, TypedArray } from '@sympow/kernels';
import type { Model } from '@sympow/model';
import type { AdamW } from './adamw';
import { rowsOf } from './ranks';
import { gradientsOf, targetsIn, type Follower, type StepReport } from './step';

/** Numbers of a bucket: so few that most of a model is under way before the backward pass ends, so many that a call costs little. */
const usual = 2 ** 18;

/** In what numbers travel. */
type Format = 'float32' | HalfType;

/** What is summed: the gradient of a parameter, or the loss. */
type Member = Variable | 'loss';

/** What is summed by one call: a part of all numbers. */
interface Bucket {
  readonly from: number;
  to: number;
  readonly members: Member[];
}

/**
 * Sums gradients over all processes in buckets, while the backward pass that makes them still runs. Buckets hold the parameters from the
 * last to the first, about as a pass comes by them, and each goes when it is full and those before it have gone: their order depends on
 * the model alone. Each number is summed by itself, so buckets change no bit of a sum of float32. The loss and whether a process stops
 * are float32 whatever the format, in a bucket of their own where it is another.
 */
export class SharedGradients {
  private readonly buckets: Bucket[] = [];
  private readonly places = new Map<Member, number>();
  /** Whether a process stops, the loss, and the gradients: memory that every update uses again. */
  private readonly numbers: Float32Array;

  /**
   * @param format - in what gradients travel
   * @param most - numbers of a bucket, but for one whose last gradient is larger
   */
  constructor(
    private readonly model: Model,
    private readonly communicator: Communicator,
    private readonly format: Format = 'float32',
    most = usual,
  ) {
    let bucket: Bucket = { from: 0, to: 1, members: [] };
    this.buckets.push(bucket);
    const add = (member: Member, size: number) => {
      const apart = format !== 'float32' && bucket.members[0] === 'loss';
      if (apart || bucket.to - bucket.from >= most) {
        bucket = { from: bucket.to, to: bucket.to, members: [] };
        this.buckets.push(bucket);
      }
      this.places.set(member, bucket.to);
      bucket.members.push(member);
      bucket.to += size;
    };
    add('loss', 1);
    for (const parameter of [...model.trained.values()].reverse()) add(parameter, parameter.value.size);
    // A thread that makes the calls sums shared memory where it lies.
    const memory = typeof SharedArrayBuffer === 'undefined' ? ArrayBuffer : SharedArrayBuffer;
    this.numbers = new Float32Array(new memory(4 * bucket.to));
  }

  /** What `trainingStep` does, of batches that every process has as a whole. @returns also whether a process wants to stop */
  async step(
    optimizer: AdamW,
    batches: readonly Batch[],
    learningRate: number,
    stops: boolean,
  ): Promise<StepReport & { readonly stops: boolean }> {
    const { model, numbers, places, communicator, format } = this;
    const { backend } = model;
    numbers[0] = stops ? 1 : 0;
    const sums = new Sums(backend, this.buckets, places, numbers, communicator, format);
    const { loss, gradients } = backend.scope((keep) => {
      const own = batches.map((batch) => rowsOf(batch, communicator));
      const made = gradientsOf(model, own, targetsIn(batches), sums);
      for (const tensor of [made.loss, ...made.gradients]) keep(tensor);
      return made;
    });
    const tensors = new Map<Member, Tensor>([['loss', loss]]);
    for (const [i, parameter] of [...model.trained.values()].entries()) tensors.set(parameter, gradients[i]!);
    try {
      for await (const { members } of sums.done()) {
        for (const member of members) {
          const [at, tensor] = [places.get(member)!, tensors.get(member)!];
          backend.write(tensor, numbers.subarray(at, at + tensor.size));
        }
      }
      const squaredNorm = backend.scope((keep) => keep(optimizer.update(gradients, learningRate)));
      return { loss, squaredNorm, stops: numbers[0] !== 0 };
    } catch (error) {
      loss.dispose();
      throw error;
    } finally {
      for (const gradient of gradients) gradient.dispose();
    }
  }
}

/** The sums of one update. */
class Sums implements Follower {
  /** What was read at once, and stands in its place. */
  private readonly there = new Set<Member>();
  /** What a device is asked for while it computes. */
  private readonly asked = new Map<Member, Promise<TypedArray>>();
  private readonly calls: Promise<void>[] = [];

  constructor(
    private readonly backend: Backend,
    private readonly buckets: readonly Bucket[],
    private readonly places: ReadonlyMap<Member, number>,
    private readonly numbers: Float32Array,
    private readonly communicator: Communicator,
    private readonly format: Format,
  ) {}

  loss(tensor: Tensor): void {
    this.take('loss', tensor);
  }

  gradient(of: Variable, tensor: Tensor): void {
    this.take(of, tensor);
  }

  private take(member: Member, tensor: Tensor): void {
    if (!this.backend.readSync) {
      this.asked.set(member, handled(tensor.read()));
      return;
    }
    this.backend.readSync(tensor, this.placeOf(member, tensor.size));
    this.there.add(member);
    for (let next = this.next(); next?.members.every((each) => this.there.has(each)); next = this.next())
      this.call(next);
  }

  /** Each bucket once it is summed, when the pass is over. */
  async *done(): AsyncGenerator<Bucket, void, undefined> {
    for (let next = this.next(); next; next = this.next()) {
      for (const member of next.members) {
        const numbers = await this.asked.get(member)!;
        this.placeOf(member, numbers.length).set(numbers);
        this.there.add(member);
      }
      this.call(next);
    }
    for (const [i, call] of this.calls.entries()) {
      await call;
      yield this.buckets[i]!;
    }
  }

  private placeOf(member: Member, size: number): Float32Array {
    const at = this.places.get(member)!;
    return this.numbers.subarray(at, at + size);
  }

  private next(): Bucket | undefined {
    return this.buckets[this.calls.length];
  }

  private call({ from, to }: Bucket): void {
    const format = from === 0 ? 'float32' : this.format;
    this.calls.push(handled(this.communicator.allReduce(this.numbers.subarray(from, to), 'sum', format)));
  }
}

/** A promise that others are waited for before: that it rejects is not overlooked then. */
function handled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined);
  return promise;
}
