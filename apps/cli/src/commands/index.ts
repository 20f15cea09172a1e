import type { Command } from '../command';
import { compare } from './compare';
import { dataInfo } from './dataInfo';
import { dataPrepare } from './dataPrepare';
import { demo } from './demo';
import { doctor } from './doctor';
import { evaluateCommand } from './eval';
import { generate } from './generate';
import { train } from './train';

/** One line per command, in the order of the help text. */
export const commands: readonly Command[] = [
  train,
  evaluateCommand,
  compare,
  generate,
  dataPrepare,
  dataInfo,
  doctor,
  demo,
];
