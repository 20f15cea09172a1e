// The program of another process: it does with the flag what this one would do, and ends well if the engine does.
import { tryFlag } from './flagTest';

void tryFlag();
