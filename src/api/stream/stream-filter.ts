import type { Scope } from '../../storage/scope.js';
import type { StreamEvent } from '../../storage/stream/stream-sources.js';

/** The fields by which a stream can be filtered, with the wanted values; undefined wants all. */
export interface StreamFilter {
  kind?: ReadonlySet<string> | undefined;
  alarmId?: ReadonlySet<string> | undefined;
  alarmType?: ReadonlySet<string> | undefined;
  state?: ReadonlySet<string> | undefined;
  severity?: ReadonlySet<string> | undefined;
  projectId?: ReadonlySet<string> | undefined;
}

const FIELDS = ['kind', 'alarmId', 'alarmType', 'state', 'severity', 'projectId'] as const;

/** Makes the check whether a client gets an event: it may see it, and wants it or may want it. */
export function streamFilter(scope: Scope, wanted: StreamFilter): (event: StreamEvent) => boolean {
  const given = FIELDS.flatMap((field) => {
    const values = wanted[field];
    return values === undefined ? [] : [{ field, values }];
  });
  return (event) => {
    const isVisible = 'all' in scope || event.allProjects || event.projectId === scope.projectId;
    return isVisible && given.every(({ field, values }) => mayBe(event, field, values));
  };
}

/** An event without the field passes, such as one of an alarm that is gone: to leave it out would be a silent gap. */
function mayBe(event: StreamEvent, field: (typeof FIELDS)[number], values: ReadonlySet<string>): boolean {
  const value = event[field];
  if (field === 'projectId') return event.allProjects || values.has(value ?? '');
  return value === null || values.has(value);
}
