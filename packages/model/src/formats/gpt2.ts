import type { CheckpointFormat } from './api';
import { refusal } from './settings';

/** Refused: its positions are weights that are added to the tokens, and here position enters by rotation alone. */
export const gpt2: CheckpointFormat = {
  name: 'gpt2',
  says: 'gpt2 checkpoint of Hugging Face',
  config(json) {
    throw refusal(
      'model_type',
      json.model_type,
      'one whose positions are rotations',
      'It adds a learned vector for each of its positions to the tokens; such a model is not here.',
    );
  },
};
