import { ConfigError, type Backend, type BackendFactory } from '@sympow/kernels';

/** A factory is easily taken for what it opens, and a promise for what it brings. @throws ConfigError */
export function requireOpen(backend: Backend): void {
  const given = backend as Partial<Backend & BackendFactory> | null | undefined;
  if (given?.kernels && given.capabilities) return;
  throw new ConfigError({
    what: 'the backend',
    value: backend,
    ...(typeof given?.open === 'function' && { message: `the backend ${given.name} is not open` }),
    expected: 'an open backend',
    remedy: 'Write await js().open(), or open another in this way.',
  });
}
