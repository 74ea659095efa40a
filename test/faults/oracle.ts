import type { AlarmState } from '../../src/alarm/state.js';

/** The world that the alarms watch: one square wave for each alarm number. Each half of a wave is one dwell. */
export interface Oracle {
  /** Above 50 in the state `alarm`. A pure function of the number and the time. */
  valueAt(number: number, atMs: number): number;
  /** The state that a correct evaluation at that time finds. */
  stateAt(number: number, atMs: number): AlarmState;
  /** The times, after `fromMs` and before `toMs`, at which the state changes. */
  edges(number: number, fromMs: number, toMs: number): number[];
}

/** Values above it are in the state `alarm`. */
export const THRESHOLD = 50;

/** Different numbers change at different times. The dwell is longer than the longest time without an evaluation. */
const SHORTEST_DWELL_MS = 24_000;
const DWELL_STEP_MS = 3_000;
const DWELLS = 4;
const PHASE_STEP_MS = 1_709; // no multiple of it below many dwells is a multiple of an evaluation's interval

/** The waves of all runs. They need no start: they go on since 1970. */
export const squareWaves: Oracle = {
  valueAt: (number, atMs) => (isHigh(number, atMs) ? 100 : 0),
  stateAt: (number, atMs) => (isHigh(number, atMs) ? 'alarm' : 'ok'),
  edges(number, fromMs, toMs) {
    const { dwellMs, phaseMs } = waveOf(number);
    const found: number[] = [];
    const first = (Math.floor((fromMs - phaseMs) / dwellMs) + 1) * dwellMs + phaseMs;
    for (let edge = first; edge < toMs; edge += dwellMs) found.push(edge);
    return found;
  },
};

function waveOf(number: number): { dwellMs: number; phaseMs: number } {
  return { dwellMs: SHORTEST_DWELL_MS + (number % DWELLS) * DWELL_STEP_MS, phaseMs: number * PHASE_STEP_MS };
}

function isHigh(number: number, atMs: number): boolean {
  const { dwellMs, phaseMs } = waveOf(number);
  return Math.floor((atMs - phaseMs) / dwellMs) % 2 === 0;
}
