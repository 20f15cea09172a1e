// Talking: the text that is being written, places in it to come back to, and sessions as files.

import { Session } from '@sympow/inference';
import { isSympowError } from '@sympow/kernels';
import type { TextModel } from '@sympow/start';
import type { Tell } from './jobs';
import type { GivenFile, Wish } from './messages';
import { standingOf, writingOf } from './writing';

const noText = 'There is no text yet. Write one first.';

export class Talking {
  private session: Session | undefined;
  /** Places in texts that can be come back to. */
  private readonly marks: Session[] = [];
  private hushes: AbortController | undefined;

  /** @param tell - takes events as they come */
  constructor(private readonly tell: Tell) {}

  /** Writes as the wish says, until that is done or {@link hush}ed. @throws what `generateText` throws */
  async write(text: TextModel, wish: Wish): Promise<void> {
    const hushes = (this.hushes = new AbortController());
    try {
      if (wish.anew || !this.session) {
        this.dropText();
        this.session = new Session(text.model);
      }
      for await (const event of writingOf(text, this.session, wish, hushes.signal)) this.tell(event);
    } catch (error) {
      if (!hushes.signal.aborted || isSympowError(error)) throw error;
    } finally {
      this.hushes = undefined;
      this.tell({ type: 'written' });
    }
  }

  hush(): void {
    this.hushes?.abort();
  }

  mark(): void {
    if (!this.session) throw new Error(noText);
    const mark = this.marks.push(this.session.fork()) - 1;
    this.tell({ type: 'marked', mark, position: this.session.position });
  }

  goBack(mark: number): void {
    const session = this.marks[mark];
    if (!session) throw new Error('The model has changed since: this place is gone.');
    this.stand(session.fork());
  }

  async save(): Promise<void> {
    if (!this.session) throw new Error(noText);
    const bytes = await this.session.save();
    this.tell({ type: 'archive', name: 'session.safetensors', bytes }, [bytes.buffer as ArrayBuffer]);
  }

  /** Opens a session that was saved here or by the command line. The text before stays where that fails. */
  async open({ model }: TextModel, { name, bytes }: GivenFile): Promise<void> {
    const session = await Session.restore(model, bytes, name);
    this.tell({ type: 'reopened', name, position: session.position });
    this.stand(session);
  }

  /** Forgets all texts, as the model goes. */
  drop(): void {
    for (const mark of this.marks.splice(0)) mark.dispose();
    this.dropText();
  }

  private dropText(): void {
    const { session } = this;
    this.session = undefined;
    session?.dispose();
  }

  private stand(session: Session): void {
    this.dropText();
    this.session = session;
    this.tell(standingOf(session.model, session));
  }
}
