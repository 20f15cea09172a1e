/** Every rule of the contract that is not about the numbers of one kernel. */

import type { ContractCheck } from '../api';

export const contract: readonly ContractCheck[] = [];
