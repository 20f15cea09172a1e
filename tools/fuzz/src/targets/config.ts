// `config.json`, as a checkpoint has it.
import { configToJson, memoryStorage, modelConfig, readConfig } from '@sympow/model';
import { changedText } from '../inputs';
import { target } from '../target';

const tiny = { vocabSize: 11, hiddenSize: 8, layers: 2, heads: 2, headSize: 4 };

export const config = target({
  name: 'config',
  inputs: changedText(configToJson(modelConfig(tiny)), configToJson(modelConfig({ ...tiny, attention: 'softmax' }))),
  async run(text) {
    const storage = memoryStorage();
    await storage.write('config.json', text);
    await readConfig(storage);
  },
});
