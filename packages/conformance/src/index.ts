export type {
  Call,
  CaseArgument,
  CaseArguments,
  CaseResult,
  ContractCheck,
  DescribeOptions,
  Deviation,
  FeatureRow,
  Numbers,
  Precision,
  Skip,
  Subject,
  TestRunner,
} from './api';
export { cases } from './cases';
export { recurrenceCases } from './cases/recurrence';
export type { Situation } from './cases/situations';
export { checkCase } from './checkCase';
export { contract } from './contract';
export { countLaunches, type LaunchCounter } from './countLaunches';
export { defineRecurrence, type RecurrenceAnswer, type RecurrenceSequence } from './defineRecurrence';
export { describeBackend } from './describeBackend';
export { features } from './features';
export type { Inputs } from './inputs';
export type { KernelCase } from './kernelCase';
export { leftBehind } from './refusals';
export { roundings, roundoff, toleranceOf } from './tolerances';
