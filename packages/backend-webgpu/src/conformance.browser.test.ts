import { describeBackend } from '@sympow/conformance';
import { describe, it } from 'vitest';
import { webgpu } from './backend';

describeBackend(webgpu(), { describe, it });
