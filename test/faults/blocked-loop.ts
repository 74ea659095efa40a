import { readFileSync, rmSync } from 'node:fs';

/*
 * Loaded into processes of the service (--import). Blocks their main thread for the milliseconds in the file that
 * TOCSIN_TEST_BLOCK_FILE names, and removes the file after that.
 */
const file = process.env['TOCSIN_TEST_BLOCK_FILE'];
const READ_EVERY_MS = 100;

function blockIfAsked(): void {
  if (file === undefined) return;
  let forMs: number;
  try {
    forMs = Number(readFileSync(file, 'utf8'));
  } catch {
    return; // there is no file
  }
  if (!(forMs > 0)) return; // it is being written
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, forMs);
  rmSync(file, { force: true });
}

setInterval(blockIfAsked, READ_EVERY_MS).unref();
