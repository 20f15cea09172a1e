export type * from './api';
export { lossByPosition } from './lossByPosition';
export { lossSeries } from './lossSeries';
export { lossReport } from './report';
export { svgChart } from './svgChart';
export { terminalChart } from './terminalChart';
