// The worker: all that computes, away from the page.

import { Lab } from './lab';
import type { Request } from './messages';

const port = globalThis as unknown as {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<Request>) => void) | null;
};
const lab = new Lab((event, transfer = []) => port.postMessage(event, transfer));
port.onmessage = ({ data }) => void lab.answer(data);
