import { js } from '@sympow/kernels';
import { describe, it } from 'vitest';
import { describeBackend } from './index';

describeBackend(js(), { describe, it });
describeBackend(js({ float: 'float64' }), { describe, it });
