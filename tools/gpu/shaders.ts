// Other shaders in place of the backend's own, to find out which part of one a driver gets wrong.
import { readFileSync } from 'node:fs';
import { shaders as own } from '../../packages/backend-webgpu/src/shaders.gen';

type Sources = Readonly<Record<string, string>>;

/**
 * The shaders of a variant: `main` has the backend's own; `plain` has panels that are arrays of f16 in place of buffers with views; any
 * other is a file of JSON that replaces some of them by name, as `pack.mjs --shaders` writes it.
 */
export function shadersOf(variant: string): Sources | undefined {
  if (variant === 'main') return undefined;
  if (variant !== 'plain') return { ...own, ...(JSON.parse(readFileSync(variant, 'utf8')) as Sources) };
  const plain = ['matrix_product', 'matrix_operands', 'matrix_tile'].map((name) => [name, plainPanels(name)] as const);
  return { ...own, ...Object.fromEntries(plain) };
}

function plainPanels(name: string): string {
  let text = own[name]!;
  for (const side of ['a', 'b']) {
    const panel = `panel_${side}`;
    text = text
      .replace(
        new RegExp(`${panel}: buffer<2u \\* panels \\* size_${side}>`),
        `${panel}: array<f16, panels * size_${side}>`,
      )
      .replace(new RegExp(`let of_${side} = bufferView<.*>\\(&${panel}, 0u\\);`), `let of_${side} = &${panel};`);
    text = byHalves(text, `to_${side}`, panel);
    const start = text.indexOf(`fn put_${side}(`);
    if (name !== 'matrix_operands' || start < 0) continue;
    const end = text.indexOf('\n}', start);
    text = text.slice(0, start) + byHalves(text.slice(start, end), 'panel', panel) + text.slice(end);
  }
  if (text === own[name])
    throw new Error(`${name}.wgsl has no panels that could be made plain: shaders.ts is out of date`);
  return text;
}

/** What is written through a view, four halves at a time, written into the panel one by one. */
function byHalves(text: string, view: string, panel: string): string {
  const writes = new RegExp(`\\b${view}\\[(.*?)\\] = vec4<f16>\\((.*)\\);`, 'g');
  return text
    .replace(new RegExp(`^.*let ${view} = bufferView.*$`, 'm'), '')
    .replace(writes, (_, at: string, four: string) => {
      const each = ['x', 'y', 'z', 'w'].map((part, i) => `${panel}[h_at + ${i}u] = h.${part};`);
      return `{ let h = vec4<f16>(${four}); let h_at = 4u * (${at}); ${each.join(' ')} }`;
    });
}
