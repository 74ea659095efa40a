// npm runs this before it makes the package: installs and builds what is missing, so that a fresh clone can be packed.
import { prepareOrExit } from './prepare.mjs';

prepareOrExit();
