import { z } from 'zod';

import { PythonFloat, RawJson, type PythonValue } from '../../alarm/wire/python-json.js';

/**
 * Fields of answers. The schema of an answer parses the JSON that clients get and gives the value that this service
 * writes as that JSON. Its input is what `/openapi.json` documents; its output type is what the function that makes the
 * answer returns. Schemas of answers are never run by the service.
 */

export const NullableText = z.string().nullable();

export const Timestamp = z
  .string()
  .meta({ description: 'ISO 8601 in UTC, without an offset; microseconds are left out when they are zero.' });

/** A time in answers of the routes below /v1. */
export const UtcTimestamp = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{6})?Z$/)
  .meta({ format: 'date-time', description: 'RFC 3339 in UTC, with Z; microseconds are left out when they are zero.' });

/** A number with a point or an exponent, as Python writes a float. It is null where the value is not finite. */
export const Float = z.number().transform((value) => new PythonFloat(value));

/** An object that is stored as JSON text and sent unchanged. */
export const StoredObject = z.looseObject({}).transform((value) => new RawJson(JSON.stringify(value)));

/** Any JSON. */
export const AnyJson = z.custom<PythonValue>();

/** An object that another service or a client made, with any members. */
export const AnyObject = z.record(z.string(), AnyJson);

/** The series of a transition: room for alarms with a state for each series. */
export const TransitionSeries = NullableText.meta({
  description: 'Always null, for later use: alarms have one state, that of all their series.',
});
