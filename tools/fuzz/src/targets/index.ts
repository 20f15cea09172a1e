// What is fuzzed.
import type { Target } from '../target';
import { bin } from './bin';
import { checkpoint } from './checkpoint';
import { config } from './config';
import { experiment } from './experiment';
import { http } from './http';
import { journal } from './journal';

import { safetensors } from './safetensors';
import { session } from './session';
import { tokenizer } from './tokenizer';
import { training } from './training';
import { zarrChunks } from './zarrChunks';
import { zarrMeta } from './zarrMeta';

export const targets: readonly Target[] = [
  safetensors,
  config,
  checkpoint,
  session,
  training,
  tokenizer,
  zarrMeta,
  zarrChunks,
  bin,
  http,
  experiment,
  journal,
];
