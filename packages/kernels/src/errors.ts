/** The typed errors of the contract. The base classes come from `@sympow/core`, which stands below. */

import { SympowError } from '@sympow/core';

export { ConfigError, OutOfMemoryError, ShapeError, SympowError, type ErrorDetails } from '@sympow/core';

/** A backend cannot run here, was closed, or was handed something that is not its own. */
export class BackendError extends SympowError {
  override readonly name = 'BackendError';
  readonly code = 'BACKEND';
}

/** The device went away while work was under way. Open the backend again and go on from the last checkpoint. */
export class DeviceLostError extends SympowError {
  override readonly name = 'DeviceLostError';
  readonly code = 'DEVICE_LOST';
}
