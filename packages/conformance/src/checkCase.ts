/** Runs one case on a backend and holds every tensor that it wrote to the definition. */

import { js, type Backend } from '@sympow/kernels';
import type { CaseArguments, CaseResult, Deviation, Numbers, Precision } from './api';
import { compare, meaning } from './compare';
import { narrowNames, outputType, rounded, roundedArguments, typesOf, type Halves, type TypeOf } from './halves';
import { Inputs } from './inputs';
import type { KernelCase } from './kernelCase';
import { launch } from './launch';
import { isNumbers } from './shapes';
import { costOfOperands, roundsOperands, toleranceOf, withRoundoff } from './tolerances';

let definition: Promise<Backend> | undefined;

/** The backend that all others are held to; opened once. */
export function openDefinition(): Promise<Backend> {
  return (definition ??= js({ float: 'float64' }).open());
}

/**
 * Runs a case twice on `backend` and once on the definition.
 *
 * Beyond the numbers it checks that inputs keep theirs, that the kernel leaves no buffer behind, and that the second
 * call asks the device for no memory.
 *
 * @param halves - which arguments are halves; the result is undefined where a number of the case leaves their range
 * @param precision - what the backend rounds beyond its float type
 */
export async function checkCase(backend: Backend, kase: KernelCase): Promise<CaseResult>;
export async function checkCase(
  backend: Backend,
  kase: KernelCase,
  halves: undefined,
  precision: Precision,
): Promise<CaseResult>;
export async function checkCase(
  backend: Backend,
  kase: KernelCase,
  halves?: Halves,
  precision?: Precision,
): Promise<CaseResult | undefined>;
export async function checkCase(
  backend: Backend,
  kase: KernelCase,
  halves?: Halves,
  { operandRoundoff = 0 }: Precision = {},
): Promise<CaseResult | undefined> {
  const { kernel, name, ignore = [], floor = {}, poisoned } = kase;
  const typeOf: TypeOf = halves ? typesOf(kernel, halves) : () => undefined;
  const { float } = backend.capabilities;
  const inputs = new Inputs(`${kernel} ${name}`, float, await openDefinition());
  const args = roundedArguments(kase.make(inputs), typeOf);
  if (!args) return undefined;
  const exactly = new Inputs('', 'float64', await openDefinition());
  const exact = exactly.define(kernel, args, kase);
  const coarse =
    operandRoundoff > 0 && roundsOperands(kernel)
      ? exactly.define(kernel, coarser(kernel, args, operandRoundoff), kase)
      : undefined;
  const complaints: string[] = [];
  const deviations: Deviation[] = [];

  for (const round of ['first', 'second'] as const) {
    const before = backend.memory().allocations;
    const run = launch(backend, kase, args, typeOf);
    const allocated = backend.memory().allocations - before;
    if (round === 'second' && allocated !== 0) complaints.push(`the second call asked for memory ${allocated} times`);
    if (run.leaked !== 0) complaints.push(`the ${round} call left ${run.leaked} buffers behind`);
    for (const [output, tensor] of run.outputs) {
      if (ignore.includes(output)) continue;
      const actual = meaning(kernel, output, await tensor.read());
      const type = outputType(kase, output, typeOf);
      const expected = meaning(kernel, output, rounded(type, exact[output]!).data);
      const options = {
        output,
        tolerance: toleranceOf(kernel, output, float, type),
        floor: floor[output],
        circular: actual.circular,
        step: type === 'float16' ? 2 ** -24 : undefined,
        poisoned,
      };
      if (coarse) {
        const { relative } = compare(meaning(kernel, output, coarse[output]!.data).data, expected.data, options);
        options.tolerance += costOfOperands(operandRoundoff, relative);
      }
      const deviation = compare(actual.data, expected.data, options);
      deviations.push(deviation);
      if (deviation.complaint) complaints.push(`${round} call: ${deviation.complaint}`);
    }
    for (const [input, { tensor, numbers }] of run.inputs) {
      if (!sameNumbers(await tensor.read(), numbers)) complaints.push(`the ${round} call changed its input ${input}`);
    }
    run.dispose();
  }
  return { kernel, name, deviations, complaints };
}

/** The arguments that products may multiply, rounded. */
function coarser(kernel: KernelCase['kernel'], args: CaseArguments, operandRoundoff: number): CaseArguments {
  const names = narrowNames(kernel);
  const round = (name: string, value: CaseArguments[string]): CaseArguments[string] =>
    isNumbers(value) && value.data instanceof Float64Array && names.includes(name)
      ? { shape: value.shape, data: withRoundoff(value.data, operandRoundoff) }
      : value;
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, round(name, value)]));
}

function sameNumbers(actual: ArrayLike<number>, { data }: Numbers): boolean {
  return data.length === actual.length && data.every((value, i) => Object.is(value, actual[i]) || value === actual[i]);
}
