export type * from './api';
export { averageLosses } from './average';
export { lossDifferences } from './difference';
export { lossByPosition } from './lossByPosition';
export { lossSeries } from './lossSeries';
export { lossReport } from './report';
export { svgChart } from './svgChart';
export { terminalChart } from './terminalChart';
