import { z } from 'zod';

import { AnyObject } from './answer-fields.js';

/** JSON Schema 2020-12 of the body that creates an alarm. */
export const AlarmSchemaAnswer = z
  .looseObject({
    type: z.literal('object'),
    properties: z.record(z.string(), AnyObject).meta({ description: 'Schemas of the fields by their names.' }),
    required: z.array(z.string()),
  })
  .meta({ id: 'AlarmSchema', description: 'JSON Schema 2020-12 of the body that creates an alarm.' });
