export { chartsOf, type Chart } from './charts';
export { csvFiles } from './csv';
export { openExperimentData, type DataMark, type ExperimentData, type Texts } from './data';
export {
  isTaskData,
  parseExperiment,
  slug,
  type EvaluationSettings,
  type Experiment,
  type RecallTest,
  type TaskData,
  type TextData,
  type VariantSettings,
} from './experiment';
export { markdownTable, type MarkdownTable } from './markdown';
export { atPlace } from './place';
export { costsOf, planRuns, selectRuns, type Run, type RunCosts } from './plan';
export { htmlPage, markdownPage, type PageFacts } from './report';
export { gatherResults, type GroupResult, type Results, type RunResult } from './results';
export { progressOf, runExperiment, settingsOf, type Bench, type ExperimentEvent, type RunEvent } from './run';
export { RunFolder, type RunFolderOptions, type StepRecord, type Trained } from './runFolder';
export type { Schedule } from './schedule';
export { bytes, quantity, ratio } from './words';
export { writeResults } from './writeResults';
