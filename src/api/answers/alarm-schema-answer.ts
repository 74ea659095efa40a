import { z } from 'zod';

import { ALARM_KINDS } from '../../alarm/types/index.js';
import { AnyObject } from './answer-fields.js';

const TypeOffer = z
  .strictObject({
    configured: z.boolean().meta({
      description:
        'Whether the backend of such alarms is configured here. Without it an alarm can be created; it is evaluated ' +
        'once there is one.',
    }),
    allowed: z.boolean().meta({ description: 'Whether the caller may create such alarms.' }),
    reason: z
      .string()
      .nullable()
      .meta({
        description:
          'Why such alarms are not evaluated, or not allowed, with the option to set. Null if they are evaluated and ' +
          'allowed.',
      }),
  })
  .meta({ id: 'AlarmTypeOffer' });
export type TypeOffer = z.infer<typeof TypeOffer>;

/** JSON Schema 2020-12 of the body that creates an alarm. */
export const AlarmSchemaAnswer = z
  .looseObject({
    type: z.literal('object'),
    properties: z.record(z.string(), AnyObject).meta({ description: 'Schemas of the fields by their names.' }),
    required: z.array(z.string()),
    'x-types': z.strictObject(Object.fromEntries(ALARM_KINDS.map((kind) => [kind, TypeOffer]))).meta({
      description: 'Which types of alarms are of use here, for this caller.',
    }),
  })
  .meta({ id: 'AlarmSchema', description: 'JSON Schema 2020-12 of the body that creates an alarm.' });
