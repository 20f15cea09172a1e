/** A norm and linear maps of what it gives, in one launch for the few rows of a token that is decoded. */

import type { LinearActivation, NormLinearArgs, Tensor, UncheckedKernels } from '@sympow/kernels';
import type { Machine } from '../machine';

/** Rows that are few enough to read weights just once for all of them. */
export const fewRows = 4;

const threads = 256;
/** Vectors of four weights that a thread asks for at once, at most. */
const mostSteps = 8;
const activations: readonly (LinearActivation | undefined)[] = [undefined, 'gelu', 'logSigmoid', 'onePlusTanh'];

interface Map {
  readonly place: number;
  readonly m: number;
  readonly tensors: Readonly<Record<string, Tensor | undefined>>;
}

/** How threads share rows of so many vectors: as many as let each ask for all of its own at once. */
export function lanesFor(vectors: number): { readonly lanes: number; readonly steps: number } {
  let lanes = 32;
  while (lanes < threads && vectors > mostSteps * lanes) lanes *= 2;
  return { lanes, steps: Math.max(1, Math.ceil(vectors / lanes)) };
}

function mapsOf(args: NormLinearArgs): Map[] {
  return ([0, 1, 2, 3, 4] as const).flatMap((place) => {
    const [weight, y] = [args[`weight${place}`], args[`y${place}`]];
    if (!weight || !y || y.size === 0) return [];
    const tensors = { [`weight${place}`]: weight, [`bias${place}`]: args[`bias${place}`], [`y${place}`]: y };
    return [{ place, m: y.shape.at(-1)!, tensors }];
  });
}

const merged = (maps: readonly Map[]): Map['tensors'] =>
  Object.fromEntries(maps.flatMap(({ tensors }) => Object.entries(tensors)));
const present = (tensors: Map['tensors']): number => Object.values(tensors).filter(Boolean).length;

export function normLinear(machine: Machine): Pick<UncheckedKernels, 'normLinear'> {
  const launch = (args: NormLinearArgs, maps: readonly Map[]) => {
    const { kind, x, normWeight, normBias, eps } = args;
    const n = x.shape.at(-1)!;
    const { lanes, steps } = lanesFor(n / 4);
    const params: Record<string, number> = { vectors: n / 4, eps };
    for (const i of [0, 1, 2, 3, 4]) Object.assign(params, { [`m${i}`]: 0, [`first${i}`]: 0, [`activation${i}`]: 0 });
    let groups = 0;
    for (const { place, m } of maps) {
      params[`m${place}`] = m;
      params[`first${place}`] = groups;
      params[`activation${place}`] = activations.indexOf(args[`activation${place as 0}`]);
      groups += Math.ceil(m / (threads / lanes));
    }
    machine.launch('norm_linear', {
      flags: kind === 'layer' ? ['centred'] : [],
      constants: { rows: x.size / n, lanes, steps },
      tensors: { x, normWeight, normBias, ...merged(maps) },
      params,
      groups,
    });
  };
  return {
    normLinear: {
      accepts({ x }) {
        const n = x.shape.at(-1)!;
        return n % 4 === 0 && n <= 4 * mostSteps * threads && x.size > 0 && x.size <= fewRows * n;
      },
      run(args) {
        const shared = present({ x: args.x, normWeight: args.normWeight, normBias: args.normBias });
        const most = machine.facts.limits.maxStorageBuffersPerShaderStage! - shared;
        // As many maps in a launch as the device can bind.
        let together: Map[] = [];
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
