/** Every rule of the contract that is not about the numbers of one kernel. */

import type { ContractCheck } from '../api';
import { door } from './door';
import { memory } from './memory';
import { opening } from './opening';
import { transfer } from './transfer';

/** What a backend has to keep beside right numbers: refusals, memory, transfers, opening and closing. `describeBackend` runs them. */
export const contract: readonly ContractCheck[] = [...door, ...memory, ...transfer, ...opening];
