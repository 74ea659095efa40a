import { z } from 'zod';

import { wireList, wireText } from '../../alarm/wire/wire-types.js';

/** Most alarms in one request for latest values: the rows that a page shows at once. */
export const MAX_IDS = 100;

/** The body of a request for the latest values of some alarms. */
export const LatestValuesRequest = z.strictObject({ ids: wireList(wireText({ max: 255 }), { max: MAX_IDS }) });
export type LatestValuesRequest = z.infer<typeof LatestValuesRequest>;
