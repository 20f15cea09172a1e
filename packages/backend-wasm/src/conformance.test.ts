import { describeBackend } from '@sympow/conformance';
import { describe, it } from 'vitest';
import { wasm } from './backend';

describeBackend(wasm(), { describe, it });
