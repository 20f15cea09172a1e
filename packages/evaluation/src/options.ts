/** Options, checked at the door. */

export { requireWhole } from '@sympow/kernels';
