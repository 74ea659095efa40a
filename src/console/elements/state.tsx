import type { JSX } from 'preact';

import type { Schemas } from '../requests/client.js';

export type ShownState = Schemas['Alarm']['state'];
export type ShownSeverity = Schemas['Alarm']['severity'];

export const STATES = ['alarm', 'insufficient data', 'ok'] as const satisfies readonly ShownState[];

/** For a choice of a severity, the highest first. */
export const SEVERITY_OPTIONS = (['critical', 'moderate', 'low'] as const satisfies readonly ShownSeverity[]).map(
  (severity) => [severity, severity] as const,
);

/** A sign beside the word and the colour. */
const SIGNS: Readonly<Record<ShownState, string>> = { alarm: '▲', ok: '●', 'insufficient data': '?' };
const CLASSES: Readonly<Record<ShownState, string>> = { alarm: 'alarm', ok: 'ok', 'insufficient data': 'unknown' };
/** A state as sign, colour and word. */
export function State({ state }: { state: ShownState }): JSX.Element {
  return (
    <span class={`state ${CLASSES[state]}`}>
      <span aria-hidden="true">{SIGNS[state]}</span> {state}
    </span>
  );
}

/** A severity as word; critical ones stand out. */
export function SeverityWord({ severity }: { severity: ShownSeverity }): JSX.Element {
  return <span class={`severity ${severity}`}>{severity}</span>;
}
