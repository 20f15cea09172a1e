// Train: the chart, what the run takes, the buttons, and the form below or beside.

import { useMemo, useState } from 'preact/hooks';
import { messageOf } from '@sympow/core';
import type { Engine } from './engine';
import { Fault, Figures } from './fields';
import { LossChart } from './lossChart';
import { OtherRuns, overlaysOf } from './otherRuns';
import type { Text } from './messages';
import { estimateOf, planOf, type Form } from './plan';
import { PlanForm } from './planForm';
import type { PageEvent, PageState } from './state';
import { textOf } from './textFile';
import { bytes, duration, quantity, whole } from './units';

interface Props {
  readonly state: PageState;
  readonly engine: Engine;
  readonly dispatch: (event: PageEvent) => void;
  readonly form: Form;
  readonly setForm: (form: Form) => void;
  readonly text: Text;
  readonly setText: (text: Text) => void;
}

export function TrainScreen({ state, engine, dispatch, form, setForm, text, setText }: Props) {
  const [textFault, setTextFault] = useState<string>();
  const { plan, config, errors } = useMemo(() => planOf(form, text), [form, text]);
  const { phase, run, ready, last, curve, runs, compared } = state;
  const overlays = useMemo(() => overlaysOf(runs, compared, run?.id), [runs, compared, run?.id]);
  const busy = phase !== 'idle' && phase !== 'opening';
  const shown =
    busy && run
      ? run.steps
      : curve.train.length > 0
        ? Math.max(run?.steps ?? 0, curve.train.length)
        : (plan?.training.steps ?? 300);

  const begin = () => {
    if (!plan) return;
    dispatch({ type: 'asked to train' });
    engine.ask({ type: 'train', plan });
  };
  const goOn = () => {
    dispatch({ type: 'asked to train' });
    const steps = Math.max(run!.steps, Number(form.training.steps) || 0);
    engine.ask({ type: 'continue', id: run!.id!, steps: steps > state.saved! ? steps : state.saved! + run!.steps });
  };
  const mayGoOn = !busy && run?.id !== undefined && (state.saved ?? 0) > 0;

  return (
    <div class="train">
      <section class="stage" aria-label="The run">
        <LossChart curve={curve} steps={shown} unit={state.model?.token ?? 'character'} overlays={overlays} />
        <Figures figures={busy || last ? live(state) : before()} />
        <div class="buttons main">
          {!busy && (
            <button
              type="button"
              class="primary"
              disabled={!plan || phase === 'opening' || state.failures.backend !== undefined}
              onClick={begin}
            >
              {mayGoOn ? 'Start anew' : 'Start'}
            </button>
          )}
          {mayGoOn && (
            <button type="button" onClick={goOn}>
              Go on from step {whole(state.saved!)}
            </button>
          )}
          {phase === 'training' && (
            <button type="button" class="primary" onClick={() => engine.ask({ type: 'pause' })}>
              Pause
            </button>
          )}
          {phase === 'paused' && (
            <button type="button" class="primary" onClick={() => engine.ask({ type: 'resume' })}>
              Resume
            </button>
          )}
          {(phase === 'training' || phase === 'paused') && (
            <button
              type="button"
              onClick={() => {
                dispatch({ type: 'asked to stop' });
                engine.ask({ type: 'stop' });
              }}
            >
              Stop
            </button>
          )}
          <p class="status" role="status">
            {statusOf(state)}
          </p>
        </div>
        <Fault>{state.failures.train ?? state.failures.room}</Fault>
        <OtherRuns {...{ state, engine, dispatch }} />
        {state.sample && (
          <div class="sample">
            <h2>
              What it writes <small>after {whole(state.sample.step)} steps</small>
            </h2>
            <p>{state.sample.text}</p>
          </div>
        )}
      </section>
      <section class="panel" aria-label="What is trained">
        <h2>Learn from</h2>
        <PlanForm
          {...{ form, text, errors, textFault, disabled: busy }}
          backends={ready?.names ?? []}
          notes={ready ? [`Computes on ${ready.backend}`, ...ready.notes] : []}
          backendFault={state.failures.backend}
          onForm={(next) => {
            setForm(next);
            if (next.backend === form.backend) return;
            dispatch({ type: 'opening' });
            engine.ask({ type: 'open', backend: next.backend });
          }}
          onText={(next) => {
            setTextFault(undefined);
            setText(next);
          }}
          onFiles={(files) => {
            textOf(files).then(
              (next) => {
                setTextFault(undefined);
                setText(next);
              },
              (error: unknown) => setTextFault(messageOf(error)),
            );
          }}
        />
      </section>
    </div>
  );

  function before() {
    if (!config || !plan)
      return [
        ['Parameters', '–'],
        ['Memory', '–'],
        ['Expected time', '–'],
      ] as const;
    const { parameters, memoryBytes, seconds } = estimateOf(config, plan, ready?.gigaflops);
    return [
      ['Parameters', quantity(parameters)],
      ['Memory', `about ${bytes(memoryBytes)}`],
      ['Expected time', seconds === undefined ? '…' : `about ${duration(seconds)}`],
    ] as const;
  }
}

function live({ start, last, run, phase, end }: PageState) {
  return [
    ['Step', last ? `${whole(last.step)} of ${whole(run?.steps ?? last.steps)}` : '…'],
    ['Speed', last ? `${whole(last.tokensPerSecond)} tokens/s` : '…'],
    ['Time left', end ? 'done' : phase === 'paused' ? 'paused' : last ? duration(last.secondsLeft) : '…'],
    ['Parameters', start ? quantity(start.parameters) : '…'],
    ['Memory', start ? `about ${bytes(start.memoryBytes)}` : '…'],
  ] as const;
}

function statusOf({ phase, end, saved, run, last }: PageState): string {
  if (phase === 'opening') return 'Getting ready…';
  if (phase === 'stopping') return 'Stopping after this step…';
  if (phase === 'paused') return 'Paused.';
  if (phase === 'training') return last ? '' : 'Making the model…';
  if (end)
    return `${end.stopped ? 'Stopped' : 'Done'} after ${whole(end.step)} steps${saved ? ', kept in this browser' : ''}.`;
  if (saved && run) return `${run.name}: ${whole(saved)} steps, as this browser kept them.`;
  return '';
}
