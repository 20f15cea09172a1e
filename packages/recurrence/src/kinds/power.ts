import { embeddedSize } from '@sympow/embedding';
import { chooseForm, defaultChunk } from '../form';
import { powerRecurrence } from '../powerRecurrence';
import type { AttentionKind, KindCompute, KindSettings } from './api';

/** The form that a whole sequence of T tokens takes, without a state before or behind it. */
function formOf({ headSize: d, power }: KindSettings, T: number, { form = 'auto', chunk }: KindCompute) {
  const D = embeddedSize(d, power);
  const C = chunk ?? defaultChunk(D);
  return { D, C, form: chooseForm(form, { T, C, d, e: d, D, initialState: false, finalState: false }) };
}

/** Scores (q·k)^p, and so a state of constant size (arXiv 2503.03269). */
export const power: AttentionKind = {
  name: 'power',
  says: 'scores (q·k)ᵖ, with a state of constant size',
  grows: false,
  make(settings, compute) {
    // Refuses a state that no array could hold before anything is made.
    embeddedSize(settings.headSize, settings.power);
    return powerRecurrence({ power: settings.power, normalizer: settings.normalizer, ...compute });
  },
  stateTensor: ({ keyValueHeads: G, headSize: d, power: p }) => G * embeddedSize(d, p) * d,
  streamFlops: ({ headSize: d, power: p, keyValueHeads: G, heads: H }) => 2 * embeddedSize(d, p) * (d + 1) * (G + H),
  sequenceFlops(settings, T, compute = {}) {
    const { heads: H, headSize: d } = settings;
    const { C, form } = formOf(settings, T, compute);
    const seen = { attention: T, chunked: Math.min(C, T), recurrent: 0 }[form];
    return H * seen * (d + d) + (form === 'attention' ? 0 : power.streamFlops(settings, T));
  },
  // The states of chunks, twice: what each chunk adds, and what stood before it.
  tapeFloats(settings, T, compute = {}) {
    const { D, C, form } = formOf(settings, T, compute);
    if (form === 'attention') return 0;
    return 2 * Math.ceil(T / (form === 'recurrent' ? 1 : C)) * settings.keyValueHeads * D * (settings.headSize + 1);
  },
};
