/** Tensors that a backend cannot use: the door and the memory say it in the same words. */

import { BackendError } from './errors';
import type { Home, Tensor } from './tensor';

export function refuseDisposed(what: string, { shape }: Tensor): never {
  throw new BackendError({
    what,
    value: `[${shape.join(', ')}], disposed`,
    expected: 'a live tensor',
    remedy: 'Keep it beyond its scope.',
  });
}

export function refuseForeign(what: string, { backend }: Tensor, { name }: Home): never {
  throw new BackendError({
    what,
    value: `a tensor of backend ${backend.name}`,
    expected: `one of this ${name} backend`,
    remedy: 'Read it there and upload it here.',
  });
}
