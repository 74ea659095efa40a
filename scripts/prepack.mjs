// npm runs this before it makes the package: installs and builds what is missing, so that a fresh clone can be packed.
import { NotReady, prepare } from './prepare.mjs';

try {
  prepare();
} catch (thrown) {
  if (!(thrown instanceof NotReady)) throw thrown;
  process.stderr.write(`${thrown.message}\n`);
  process.exit(1);
}
