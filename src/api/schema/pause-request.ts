import { z } from 'zod';

import { optional, wireText } from '../../alarm/wire/wire-types.js';
import { wireTimestamp } from './timestamp.js';

const MAX_REASON = 255;

/** The body of PUT on a pause of deliveries. It may be left out. */
export const PauseRequest = z
  .strictObject({
    /** Absent: the pause lasts until it is lifted. */
    ends_at: wireTimestamp(),
    reason: optional<string | null>(wireText({ max: MAX_REASON }), null),
  })
  .meta({ id: 'PauseRequest' });
export type PauseRequest = z.infer<typeof PauseRequest>;
