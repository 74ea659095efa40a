/**
 * Returns the name of a BullMQ queue: `<prefix>-<project>-<name>`. In the project id, each character but lower-case
 * letters and digits becomes `_` and four hexadecimal digits. So the id contains no dash, and two projects never share
 * a queue.
 */
export function queueNameOf(prefix: string, projectId: string | null, name: string): string {
  const project = (projectId ?? '').replace(
    /[^a-z0-9]/g,
    (unit) => `_${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${prefix}-${project}-${name}`;
}
