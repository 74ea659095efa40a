import type { z } from 'zod';

/** Documentation of one route, beyond its row in the route table. */
export interface Operation {
  group: 'Alarms' | 'Meters' | 'Events' | 'Notifications' | 'Administration' | 'Service';
  summary: string;
  /** Schema of the request's body. */
  request?: z.ZodType;
  /** True if the body may be left out. */
  isRequestOptional?: boolean;
  /** Schema of the answer's body; null for an empty body, a media type for text. */
  answer: z.ZodType | string | null;
  /** Statuses without a body that are no errors, with their descriptions. */
  otherStatuses?: Readonly<Record<number, string>>;
  /** True for an object with versions: its answers have an `ETag`, its changes take `If-Match`. */
  isVersioned?: true;
  /** True for a stream of server-sent events; `answer` is the schema of the data of each. */
  isStream?: true;
}
