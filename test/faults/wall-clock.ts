import { readFileSync } from 'node:fs';

/*
 * Loaded into processes of the service (--import). Shifts their wall clock by the milliseconds in the file that
 * TOCSIN_TEST_CLOCK_FILE names, also while they run. Monotonic clocks and timers go on as they are.
 */
const file = process.env['TOCSIN_TEST_CLOCK_FILE'];
const READ_EVERY_MS = 100;
const RealDate = Date;
let shiftMs = 0;

function readShift(): void {
  if (file === undefined) return;
  try {
    shiftMs = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    shiftMs = 0; // there is no file: the clock is right
  }
}

class ShiftedDate extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    if (given.length === 0) super(RealDate.now() + shiftMs);
    else super(...(given as [number]));
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}

readShift();
setInterval(readShift, READ_EVERY_MS).unref();
// Calls with several numbers (year, month, …) are passed on as they are by the class above, too.
globalThis.Date = ShiftedDate as DateConstructor;
