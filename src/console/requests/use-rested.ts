import { useEffect, useState } from 'preact/hooks';

import { after } from '../shell/clock.js';

/** How long typing must rest before a request is sent. */
const REST_MS = 400;

/** A text that changes while the reader types, once it rests. The first one counts at once. */
export function useRested<Text extends string | undefined>(text: Text): Text {
  const [rested, setRested] = useState(text);
  useEffect(() => after(REST_MS, () => setRested(text)), [text]);
  return rested;
}
