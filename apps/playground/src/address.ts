// The form in the address of the page, so that a configuration can be sent as a link: what differs from where it begins.

import { variants, type Variant } from '@sympow/model';
import { beginning, sizes, type Form } from './plan';

type Fields = Form['model'];

/** `?variant=gated&training.steps=500`; empty for the form as it begins. */
export function addressOf(form: Form): string {
  const words = new URLSearchParams();
  for (const key of ['variant', 'size', 'backend'] as const) {
    if (form[key] !== beginning[key]) words.set(key, form[key]);
  }
  for (const of of ['model', 'training'] as const) {
    const before: Fields = of === 'model' ? { ...beginning.model, ...sizes[form.size] } : beginning.training;
    for (const [key, value] of Object.entries(form[of])) {
      if (value !== undefined && value !== before[key]) words.set(`${of}.${key}`, String(value));
    }
  }
  const text = words.toString();
  return text === '' ? '' : `?${text}`;
}

/** The form that an address tells; what it does not know is left as it begins. Fields say themselves what is wrong with them. */
export function formOf(search: string): Form {
  const words = new URLSearchParams(search);
  const variant = words.get('variant') ?? '';
  const size = words.get('size') ?? beginning.size;
  const fields = (of: 'model' | 'training', before: Fields): Fields => {
    const own = [...words].flatMap(([name, value]) =>
      name.startsWith(`${of}.`) ? [[name.slice(of.length + 1), value]] : [],
    );
    const plain = own.map(
      ([key, value]) => [key, value === 'true' ? true : value === 'false' ? false : value] as const,
    );
    return { ...before, ...(Object.fromEntries(plain) as Fields) };
  };
  return {
    variant: Object.hasOwn(variants, variant) ? (variant as Variant) : beginning.variant,
    size: Object.hasOwn(sizes, size) || size === 'own' ? size : beginning.size,
    backend: words.get('backend') ?? beginning.backend,
    model: fields('model', { ...beginning.model, ...sizes[size] }),
    training: fields('training', beginning.training),
  };
}
