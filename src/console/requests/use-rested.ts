import { useEffect, useState } from 'preact/hooks';

import { after } from '../shell/clock.js';

/** Time without a change before a request is sent. */
const REST_MS = 400;

/** The last text that has not changed for `REST_MS`. The first one is returned at once. */
export function useRested<Text extends string | undefined>(text: Text): Text {
  const [rested, setRested] = useState(text);
  useEffect(() => after(REST_MS, () => setRested(text)), [text]);
  return rested;
}
