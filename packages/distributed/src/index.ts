export type { Launch, MpiCommunicator, MpiOptions } from './api';
export { DistributedError } from './errors';
export { launch } from './launch';
export { openMpi } from './openMpi';
