// Measure: what each backend does on this device, and a report to copy.

import { useState } from 'preact/hooks';
import type { Engine } from './engine';
import { Fault } from './fields';
import type { Measured } from './messages';
import type { PageEvent, PageState } from './state';
import { whole } from './units';

interface Props {
  readonly state: PageState;
  readonly engine: Engine;
  readonly dispatch: (event: PageEvent) => void;
}

/** What is copied. */
function reportOf({ measured, model }: PageState): string {
  const { userAgent, hardwareConcurrency: cores } = navigator;
  const device = { userAgent, cores, isolated: crossOriginIsolated, date: new Date().toISOString() };
  return JSON.stringify(
    { device, model: model?.name ?? 'fresh weights', parameters: model?.parameters, backends: measured },
    null,
    2,
  );
}

const speeds = [
  ['gigaflops', 'Products', 'GFLOP/s'],
  ['trainingTokensPerSecond', 'Training', 'tokens/s'],
  ['decodingTokensPerSecond', 'Writing', 'tokens/s'],
] as const;

export function MeasureScreen({ state, engine, dispatch }: Props) {
  const { measured, measuring, isWorking, phase, ready, model } = state;
  const [copied, setCopied] = useState(false);
  const busy = phase === 'training' || phase === 'paused' || phase === 'stopping';
  const report = measured.length > 0 && !isWorking ? reportOf(state) : undefined;
  const there = measured.filter((row) => row.missing === undefined);
  const missing = measured.filter((row) => row.missing !== undefined);
  return (
    <div class="measure">
      <section class="stage" aria-label="Results">
        <h2>
          This device <small>each kernel held to its definition, and how fast it is</small>
        </h2>
        {measured.length === 0 ? (
          <p class="hollow">Press Measure. It takes a minute or so, and nothing leaves this browser.</p>
        ) : (
          speeds.map(([key, says, unit]) => <Speeds key={key} {...{ says, unit, rows: there, of: key }} />)
        )}
        {there.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="Agreement with the definition">
            <table>
              <thead>
                <tr>
                  <th>Backend</th>
                  <th>Kernels that hold</th>
                  <th>Same choice as the definition</th>
                  <th>Threads</th>
                </tr>
              </thead>
              <tbody>
                {there.map((row) => (
                  <tr key={row.backend}>
                    <th scope="row">{row.backend}</th>
                    <td>
                      {row.passed} of {row.cases}
                    </td>
                    <td>{(100 * row.agreement).toFixed(1)} % of 128 tokens</td>
                    <td>{row.threads}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {there
          .flatMap(({ complaints }) => complaints)
          .map((complaint) => (
            <Fault key={complaint}>{complaint}</Fault>
          ))}
        {missing.map((row) => (
          <p key={row.backend} class="note">
            <b>{row.backend}</b> is not here: {row.missing}
          </p>
        ))}
      </section>
      <section class="panel" aria-label="What is measured">
        <h2>Measure</h2>
        <p class="note">
          {model
            ? `With ${model.name}, the model that is open: ${whole(model.parameters)} parameters.`
            : 'With fresh weights. Train a model first to measure with that one.'}
        </p>
        <div class="buttons main">
          {isWorking && measuring ? (
            <button type="button" class="primary" onClick={() => engine.ask({ type: 'quit' })}>
              Stop
            </button>
          ) : (
            <button
              type="button"
              class="primary"
              disabled={busy || !ready}
              // Not disabled: a button that is loses the focus of who has pressed it.
              aria-disabled={isWorking}
              onClick={() => {
                if (isWorking) return;
                setCopied(false);
                dispatch({ type: 'asked to measure' });
                engine.ask({
                  type: 'measure',
                  names: [...ready!.names, 'js'].filter((name, i, all) => all.indexOf(name) === i),
                });
              }}
            >
              Measure
            </button>
          )}
          <p class="status" role="status">
            {busy
              ? 'A run goes on. Stop it first.'
              : isWorking && measuring
                ? `${measuring.backend}: ${measuring.says}…`
                : ''}
          </p>
        </div>
        <Fault>{state.failures.measure}</Fault>
        {report && (
          <>
            <label for="report">Report, to paste into an issue</label>
            <textarea id="report" class="report" rows={10} readOnly value={report} />
            <div class="buttons">
              <button
                type="button"
                onClick={() => {
                  void navigator.clipboard.writeText(report).then(() => setCopied(true));
                }}
              >
                {copied ? 'Copied' : 'Copy'}
              </button>
            </div>
          </>
        )}
      </section>
    </div>
  );
}

type Row = Extract<Measured, { gigaflops: number }>;

/** One speed of all backends, as bars. */
function Speeds({
  says,
  unit,
  rows,
  of,
}: {
  says: string;
  unit: string;
  rows: readonly Row[];
  of: (typeof speeds)[number][0];
}) {
  const most = Math.max(...rows.map((row) => row[of]), 1e-9);
  if (rows.length === 0) return null;
  return (
    <div class="memory" role="group" aria-label={`${says}, ${unit}`}>
      <h3>
        {says} <small>{unit}</small>
      </h3>
      {rows.map((row) => (
        <div key={row.backend} class="bar own">
          <span>{row.backend}</span>
          <span class="track" aria-hidden="true">
            <i style={{ width: `${(100 * row[of]) / most}%` }} />
          </span>
          <b>{row[of] < 10 ? row[of].toFixed(1) : whole(row[of])}</b>
        </div>
      ))}
    </div>
  );
}
