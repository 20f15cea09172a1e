/** A norm and linear maps of what it gives, in one launch for the few rows of a token that is decoded. */

import type { LinearActivation, NormLinearArgs, UncheckedKernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import { fewRows, mapParameters, mostFewRows, tensorsOf, type PlacedMap } from './fewRows';
import { rows as rowKernels } from './rows';

/** Rows that are few enough for each workgroup to find their norms by itself. */
const fewestRows = 4;

const threads = 256;
/** Vectors of four weights that a thread asks for at once, at most. */
const mostSteps = 8;
const activations: readonly (LinearActivation | undefined)[] = [undefined, 'gelu', 'logSigmoid', 'onePlusTanh'];

/** How threads share rows of so many vectors: as many as let each ask for all of its own at once. */
export function lanesFor(vectors: number): { readonly lanes: number; readonly steps: number } {
  let lanes = 32;
  while (lanes < threads && vectors > mostSteps * lanes) lanes *= 2;
  return { lanes, steps: Math.max(1, Math.ceil(vectors / lanes)) };
}

function mapsOf(args: NormLinearArgs): PlacedMap[] {
  return ([0, 1, 2, 3, 4] as const).flatMap((place) => {
    const [weight, y] = [args[`weight${place}`], args[`y${place}`]];
    if (!weight || !y || y.size === 0) return [];
    const tensors = { [`weight${place}`]: weight, [`bias${place}`]: args[`bias${place}`], [`y${place}`]: y };
    const activation = activations.indexOf(args[`activation${place}`]);
    return [{ place, m: y.shape.at(-1)!, activation, tensors }];
  });
}

const present = (tensors: PlacedMap['tensors']): number => Object.values(tensors).filter(Boolean).length;

export function normLinear(machine: Machine): Pick<UncheckedKernels, 'normLinear'> {
  const { layerNorm } = rowKernels(machine);
  const one = (args: NormLinearArgs, maps: readonly PlacedMap[]) => {
    const { kind, x, normWeight, normBias, eps } = args;
    const n = x.shape.at(-1)!;
    const { lanes, steps } = lanesFor(n / 4);
    const { params, groups } = mapParameters(maps, threads / lanes);
    machine.launch('norm_linear', {
      flags: kind === 'layer' ? ['centred'] : [],
      constants: { rows: x.size / n, lanes, steps },
      tensors: { x, normWeight, normBias, ...tensorsOf(maps) },
      params: { vectors: n / 4, eps, ...params },
      groups,
    });
  };
  const launch = (args: NormLinearArgs, maps: readonly PlacedMap[]) => {
    const { kind, x, normWeight, normBias, eps } = args;
    const rows = x.size / x.shape.at(-1)!;
    if (rows <= fewestRows) return one(args, maps);
    if (kind === 'rms') return fewRows(machine, { x, rows, maps, norm: { eps, weight: normWeight } });
    // A mean has to be known beforehand.
    const { backend } = x;
    backend.scope(() => {
      const h = backend.empty(x.shape);
      layerNorm({ x, weight: normWeight, bias: normBias, eps, y: h });
      fewRows(machine, { x: h, rows, maps });
    });
  };
  return {
    normLinear: {
      accepts({ x }) {
        const n = x.shape.at(-1)!;
        if (n % 4 > 0 || x.size === 0) return false;
        if (x.size <= fewestRows * n) return n <= 4 * mostSteps * threads;
        return !machine.facts.software && x.size <= mostFewRows * n;
      },
      run(args) {
        const shared = present({ x: args.x, normWeight: args.normWeight, normBias: args.normBias });
        const most = machine.facts.limits.maxStorageBuffersPerShaderStage! - shared;
        // As many maps in a launch as the device can bind.
        let together: PlacedMap[] = [];
        let bound = 0;
        for (const map of mapsOf(args)) {
          const more = present(map.tensors);
          if (bound + more > most) {
            launch(args, together);
            [together, bound] = [[], 0];
          }
          together.push(map);
          bound += more;
        }
        if (together.length > 0) launch(args, together);
      },
    },
  };
}
