// The page: its screens, one at a time, and the worker behind them.

import { render } from 'preact';
import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { addressOf, formOf } from './address';
import { startEngine, type Engine } from './engine';
import { KeepScreen } from './keepScreen';
import { LookScreen } from './lookScreen';
import { MeasureScreen } from './measureScreen';
import type { LabEvent, Text } from './messages';
import { keepOffline } from './offline';
import type { Form } from './plan';
import { sampleText } from './sample';
import { afterAll, initial, type PageEvent } from './state';
import { StretchScreen } from './stretchScreen';
import './style.css';
import { TalkScreen } from './talkScreen';
import { TrainScreen } from './trainScreen';

const screens = [
  ['train', 'Train'],
  ['stretch', 'Stretch'],
  ['talk', 'Talk'],
  ['look', 'Look inside'],
  ['measure', 'Measure'],
  ['keep', 'Keep'],
] as const;
const screenOf = () => screens.find(([name]) => location.hash === `#${name}`)?.[0] ?? 'train';

function hand({ name, bytes }: Extract<LabEvent, { type: 'archive' }>) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'application/x-tar' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function Page() {
  const [state, take] = useReducer(afterAll, initial);
  const [screen, setScreen] = useState(screenOf);
  const [form, setForm] = useState<Form>(() => formOf(location.search));
  const [text, setText] = useState<Text>(sampleText);
  const engine = useRef<Engine | undefined>(undefined);
  const restored = useRef(false);
  const dispatch = (event: PageEvent) => take([event]);

  engine.current ??= startEngine((events) => {
    for (const event of events) if (event.type === 'archive') hand(event);
    take(events);
    // The newest run that was kept is shown again.
    const runs = events.find((event) => event.type === 'runs');
    if (runs && !restored.current) {
      restored.current = true;
      const [newest] = runs.runs;
      if (newest) engine.current!.ask({ type: 'restore', id: newest.id });
    }
  });
  useEffect(() => {
    engine.current!.ask({ type: 'open', backend: form.backend });
    const changed = () => setScreen(screenOf());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);

  useEffect(() => {
    history.replaceState(null, '', `${location.pathname}${addressOf(form)}${location.hash}`);
  }, [form]);

  const shared = { state, dispatch, engine: engine.current };
  return (
    <>
      <header>
        <h1>
          sympow <span>playground</span>
        </h1>
        <nav aria-label="Screens">
          {screens.map(([name, label]) => (
            <a key={name} href={`#${name}`} aria-current={screen === name ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
      </header>
      <main>
        {screen === 'train' && <TrainScreen {...shared} {...{ form, setForm, text, setText }} />}
        {screen === 'stretch' && <StretchScreen {...shared} text={text} />}
        {screen === 'talk' && <TalkScreen {...shared} />}
        {screen === 'look' && <LookScreen {...shared} />}
        {screen === 'measure' && <MeasureScreen {...shared} />}
        {screen === 'keep' && <KeepScreen {...shared} />}
      </main>
    </>
  );
}

keepOffline();
render(<Page />, document.getElementById('page')!);
