// What the worker holds: one backend, one model, one run at a time, and a text that is being written. It answers requests with
// events; whatever goes wrong is an event too, with the place on the page where it belongs.

import { messageOf } from '@sympow/core';
import { backends, openBackend, type OpenedBackend } from '@sympow/backends';
import type { Backend } from '@sympow/kernels';
import { kindsOfLayers, latestCheckpoint } from '@sympow/model';
import { TextModel, load } from '@sympow/start';
import { memoryStorage, type Storage } from '@sympow/storage';
import { readTraining } from '@sympow/training';
import { aboutServer, folderAt, folderOf, packed } from './checkpoints';
import { look, measureOn, OneJob, stretchOut, type Held, type Tell } from './jobs';
import { alone, curveOf, forget, keep, keepCurve, keptRuns, planOf, rename, runFolder } from './keptRuns';
import type { GivenFile, ModelEvent, Place, Plan, Request } from './messages';
import { isLost } from './lost';
import { OneAtATime } from './oneAtATime';
import { beginningOf, freshModel, passageOf, runOf, tokenizerOfText } from './run';
import { gigaflopsOf } from './speed';
import { Talking } from './talking';

const places: Readonly<Record<Request['type'], Place>> = {
  ...{ open: 'backend', train: 'train', continue: 'train', pause: 'train', resume: 'train', stop: 'train' },
  ...{ write: 'talk', hush: 'talk', download: 'checkpoint', load: 'checkpoint', fetch: 'address' },
  ...{ restore: 'checkpoint', remove: 'checkpoint', compare: 'train', rename: 'train' },
  ...{ mark: 'session', return: 'session', session: 'session', reopen: 'session' },
  ...{ stretch: 'stretch', quit: 'stretch', look: 'look', measure: 'measure' },
};

/** What takes the model or the backend away from work that goes on. */
const endsJobs: ReadonlySet<Request['type']> = new Set(['open', 'train', 'continue', 'load', 'restore']);

export class Lab {
  private opened: { readonly asked: string; readonly opened: OpenedBackend } | undefined;
  private held: Held | undefined;
  private readonly talking: Talking;
  private readonly turns = new OneAtATime();
  private stops: AbortController | undefined;
  private readonly job = new OneJob();
  private recovery: Promise<void> | undefined;
  private pause: { readonly over: Promise<void>; readonly end: () => void } | undefined;

  /** @param tell - takes events as they come */
  constructor(private readonly tell: Tell) {
    this.talking = new Talking(tell);
  }

  /** Does what a request says; resolves when that is done. Never rejects. */
  async answer(request: Request): Promise<void> {
    try {
      await this.do(request);
    } catch (error) {
      const lost = isLost(error);
      if (lost) {
        const asked = request.type === 'open' ? request.backend : undefined;
        await (this.recovery ??= this.turns.run(() => this.recover(asked)));
        this.recovery = undefined;
        if (asked !== undefined) return;
      }
      const rest = lost && this.held?.run ? ' That was done: the run is as this browser kept it.' : '';
      this.tell({ type: 'failure', place: places[request.type], message: messageOf(error) + rest });
    }
  }

  /** Opens the backend again after its device went away, and the run as it is kept. What is kept nowhere is gone. */
  private async recover(asked = this.opened?.asked ?? 'auto'): Promise<void> {
    const { opened, held } = this;
    this.opened = this.held = undefined;
    try {
      this.talking.drop();
      await held?.text.close();
      await opened?.opened.backend.close();
    } catch {
      // It is gone.
    }
    try {
      await this.open(asked);
      // A run that was not kept yet has no checkpoint.
      if (held?.run && held.plan) await this.show(held.run, held.plan).catch(() => undefined);
    } catch (error) {
      this.tell({ type: 'failure', place: 'backend', message: messageOf(error) });
    }
    if (!this.held) this.tell({ type: 'gone' });
  }

  private async do(request: Request): Promise<void> {
    if (endsJobs.has(request.type)) await this.job.quit();
    switch (request.type) {
      case 'open':
        await this.turns.run(() => this.open(request.backend));
        return this.tellRuns();
      case 'train':
        return this.begin(request.plan);
      case 'continue':
        return this.goOn(request.id, request.steps);
      case 'pause':
        return this.hold();
      case 'resume':
        return this.release();
      case 'stop':
        this.stops?.abort();
        return this.release();
      case 'write':
        return this.turns.run(() => this.talking.write(this.require().text, request.wish));
      case 'look':
        return this.work(() => look(this.require(), request.text, this.turns, this.tell));
      case 'measure':
        return this.work((signal) => measureOn(request.names, this.held, this.tell, signal));
      case 'stretch':
        return this.work((signal) => stretchOut(this.require(), request, this.turns, this.tell, signal));
      case 'quit':
        return this.job.quit();
      case 'hush':
        return this.talking.hush();
      case 'download':
        return this.turns.run(() => this.download());
      case 'load':
        return this.turns.run(() => this.load(request.files));
      case 'fetch':
        return this.work((signal) => this.turns.run(() => this.fetch(request.address, signal)));
      case 'restore':
        return this.turns.run(() => this.restore(request.id));
      case 'compare':
        return this.tell({ type: 'compared', id: request.id, curve: await curveOf(request.id) });
      case 'rename':
        await rename(request.id, request.label);
        return this.tellRuns();
      case 'mark':
        return this.turns.run(async () => this.talking.mark());
      case 'return':
        return this.turns.run(async () => this.talking.goBack(request.mark));
      case 'session':
        return this.turns.run(() => this.talking.save());
      case 'reopen':
        return this.turns.run(() => this.talking.open(this.require().text, request.file));
      case 'remove':
        await forget(request.id);
        return this.tellRuns();
    }
  }

  /** Opens a backend, unless it is the one that is open. The model comes along. */
  private async open(asked: string): Promise<OpenedBackend> {
    if (this.opened?.asked === asked) return this.opened.opened;
    const opened = await openBackend(asked);
    await this.move(opened.backend);
    await this.opened?.opened.backend.close();
    this.opened = { asked, opened };
    const { backend, name, refused } = opened;
    const notes = [
      ...backend.capabilities.notes,
      ...refused.map((each) => `${each.name} was passed over: ${each.reason}`),
    ];
    const names = backends.filter(({ byNameAlone }) => !byNameAlone).map((each) => each.name);
    this.tell({ type: 'ready', backend: name, names, notes, gigaflops: await gigaflopsOf(backend) });
    return opened;
  }

  private async begin(plan: Plan): Promise<void> {
    const id = await keep(plan);
    if (id === undefined) {
      const message =
        'This browser has no room left for the run. It is not kept: download the model when it is trained.';
      this.tell({ type: 'failure', place: 'room', message });
    }
    await this.train(plan, id);
  }

  private async goOn(id: string, steps: number): Promise<void> {
    const plan = await planOf(id);
    await this.train({ ...plan, training: { ...plan.training, steps } }, id);
  }

  private async train(plan: Plan, id: string | undefined): Promise<void> {
    if (this.stops) throw new Error('A run goes on already. Stop it first.');
    const stops = (this.stops = new AbortController());
    try {
      await alone(id, () => this.follow(plan, id, stops.signal));
    } finally {
      this.stops = undefined;
      this.release();
      await this.tellRuns();
    }
  }

  /** Takes a run through to its end, event by event; in between others have their turn. */
  private async follow(plan: Plan, id: string | undefined, signal: AbortSignal): Promise<void> {
    const storage = id === undefined ? undefined : runFolder(id);
    const tokenizer = tokenizerOfText(plan.text.text);
    const events = await this.turns.run(async () => {
      const { backend } = await this.open(plan.backend);
      const model = freshModel(backend, plan, tokenizer);
      await this.drop();
      this.held = { text: new TextModel(model, tokenizer), name: plan.text.name, plan, run: id };
      return runOf(plan, model, tokenizer, { storage, signal });
    });
    this.tell({ type: 'run', id, name: plan.text.name, steps: plan.training.steps });
    const curve = id === undefined ? { train: [], heldOut: [] } : await curveOf(id);
    const train = [...curve.train];
    const heldOut = [...curve.heldOut];
    for (;;) {
      await this.pause?.over;
      const { done, value: event } = await this.turns
        .run(() => events.next())
        .catch((error: unknown) => {
          const rest =
            train.length > 0 && !isLost(error)
              ? ` The model stays as it is after ${train.length} steps: it can write, and be downloaded.`
              : '';
          throw new Error(messageOf(error) + rest, { cause: error });
        });
      if (done) return;
      if (event.type === 'start') {
        // What was drawn after the checkpoint that the run goes on from is drawn again.
        train.length = Math.min(train.length, event.step);
        heldOut.splice(0, heldOut.length, ...heldOut.filter(([step]) => step <= event.step));
        this.tell({ type: 'curve', curve: { train, heldOut } });
        this.tellModel(plan);
      }
      if (event.type === 'step') train.push(event.loss);
      if (event.type === 'evaluation') heldOut.push([event.step, event.loss]);
      if (event.type === 'checkpoint' && id !== undefined) await keepCurve(id, { train, heldOut });
      this.tell(event);
    }
  }

  private hold(): void {
    if (!this.stops || this.pause) return;
    let end = () => {};
    const over = new Promise<void>((resolve) => (end = resolve));
    this.pause = { over, end };
    this.tell({ type: 'paused' });
  }

  private release(): void {
    if (!this.pause) return;
    this.pause.end();
    this.pause = undefined;
    this.tell({ type: 'resumed' });
  }

  private async work(body: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.stops) throw new Error('A run goes on. Stop it first.');
    try {
      await this.job.run(body);
    } finally {
      this.tell({ type: 'quit' });
    }
  }

  private async download(): Promise<void> {
    const { text, name } = this.require();
    const file = await packed(text, name);
    this.tell({ type: 'archive', ...file }, [file.bytes.buffer as ArrayBuffer]);
  }

  private async load(files: readonly GivenFile[]): Promise<void> {
    this.requireRest();
    await this.take(await folderOf(files), files.length === 1 ? files[0]!.name : 'opened files', undefined);
  }

  private async fetch(address: string, signal: AbortSignal): Promise<void> {
    try {
      const { storage, name } = await folderAt(address, signal);
      await this.take(storage, name, undefined);
    } catch (error) {
      throw aboutServer(error);
    }
  }

  private async restore(id: string): Promise<void> {
    this.requireRest();
    const plan = await planOf(id);
    await this.open(plan.backend).catch(() => this.open('auto'));
    await this.show(id, plan);
  }

  /** Takes the model of a run as it is kept, and shows its curve. */
  private async show(id: string, plan: Plan): Promise<void> {
    await this.take(runFolder(id), plan.text.name, plan, id);
    const [curve, checkpoint] = [await curveOf(id), await latestCheckpoint(runFolder(id))];
    const step = checkpoint?.step ?? 0;
    this.tell({ type: 'run', id, name: plan.text.name, steps: plan.training.steps });
    this.tell({
      type: 'curve',
      curve: { train: curve.train.slice(0, step), heldOut: curve.heldOut.filter(([at]) => at <= step) },
    });
  }

  /** Takes a model from its files; the one before stays until it is there. */
  private async take(storage: Storage, name: string, plan: Plan | undefined, run?: string): Promise<void> {
    const { backend } = await this.open(this.opened?.asked ?? 'auto');
    const text = await load(storage, { backend });
    await this.drop();
    this.held = { text, name, plan, run };
    this.tellModel(plan, (await readTraining(storage).catch(() => undefined))?.context);
  }

  private tellModel(plan: Plan | undefined, context?: number): void {
    const { text, name } = this.require();
    const event: ModelEvent = {
      ...{
        type: 'model',
        name,
        parameters: [...text.model.parameters.values()].reduce((sum, { value }) => sum + value.size, 0),
      },
      token: text.tokenizer.name === 'chars' ? 'character' : text.tokenizer.name === 'bytes' ? 'byte' : 'token',
      prompt: plan ? beginningOf(plan.text.text) : '',
      passage: plan ? passageOf(plan.text.text) : '',
      context: plan?.training.context ?? context,
      constant: kindsOfLayers(text.model.config).every(({ grows }) => !grows),
      planned: plan !== undefined,
    };
    this.tell(event);
  }

  private async tellRuns(): Promise<void> {
    this.tell({ type: 'runs', runs: await keptRuns() });
  }

  /** @throws Error while a run goes on */
  private requireRest(): void {
    if (this.stops) throw new Error('A run goes on. Stop it before another model is opened.');
  }

  private require(): Held {
    if (this.held) return this.held;
    throw new Error('There is no model yet. Train one, or open a checkpoint.');
  }

  /** Takes the model to another backend. A text that was begun ends there. */
  private async move(backend: Backend): Promise<void> {
    if (!this.held) return;
    const { text, name, plan, run } = this.held;
    const storage = memoryStorage();
    await text.save(storage);
    const moved = await load(storage, { backend });
    await this.drop();
    this.held = { text: moved, name, plan, run };
  }

  private async drop(): Promise<void> {
    this.talking.drop();
    this.held?.twin?.dispose();
    await this.held?.text.close();
    this.held = undefined;
  }
}
