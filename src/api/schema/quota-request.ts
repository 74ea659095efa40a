import { z } from 'zod';

import { optional, wireEnum, wireInt, wireList, wireText } from '../../alarm/wire/wire-types.js';
import { QUOTA_RESOURCES } from '../../storage/alarms/quota-store.js';

const MAX_ID = 128;
const MAX_QUOTAS = 50;
const MAX_LIMIT = 2 ** 31 - 1;

const QuotaOfResource = z.strictObject({
  resource: wireEnum(QUOTA_RESOURCES),
  limit: wireInt({ min: -1, max: MAX_LIMIT }),
});

/** The body of POST on quotas. */
export const QuotaRequest = z.strictObject({
  project_id: wireText({ max: MAX_ID }),
  quotas: optional(wireList(QuotaOfResource, { max: MAX_QUOTAS }), []),
});
