// BloscLZ: the compressor that Blosc brings itself, a FastLZ with longer distances.
//
// https://github.com/Blosc/c-blosc/blob/main/blosc/blosclz.c
import { Damage } from './damage';

/** Distances from here on stand in two bytes more. */
const FAR = 8191;

/** Fills `out` from a block. @throws Damage unless it fills it exactly */
export function blosclz(block: Uint8Array, out: Uint8Array): void {
  let at = 0;
  let size = 0;
  const next = () => {
    if (at >= block.length) throw new Damage('its BloscLZ is cut off');
    return block[at++]!;
  };
  // The first control byte is that of literals, whatever its upper bits are.
  for (let control = next() & 31; ; control = next()) {
    if (control < 32) {
      const literals = control + 1;
      if (at + literals > block.length || size + literals > out.length) throw new Damage('its BloscLZ is damaged');
      for (const end = at + literals; at < end;) out[size++] = block[at++]!;
    } else {
      let length = (control >> 5) + 2;
      if (control >> 5 === 7) for (let byte = 255; byte === 255; length += byte) byte = next();
      const near = ((control & 31) << 8) + next();
      const distance = near === FAR ? FAR + (next() << 8) + next() + 1 : near + 1;
      if (distance > size || size + length > out.length) throw new Damage('its BloscLZ is damaged');
      for (const end = size + length; size < end; size++) out[size] = out[size - distance]!;
    }
    if (at === block.length) break;
  }
  if (size !== out.length) throw new Damage(`its BloscLZ holds ${size} bytes, not ${out.length}`);
}
