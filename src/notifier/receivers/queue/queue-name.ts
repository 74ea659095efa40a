/**
 * `<prefix>-<project>-<name>`. A project's id is made safe for a key so that no two projects ever share a name:
 * lower-case letters and digits stay, everything else becomes `_` and its hexadecimal code units; a project cannot
 * write the dash that ends it.
 */
export function queueNameOf(prefix: string, projectId: string | null, name: string): string {
  const project = (projectId ?? '').replace(
    /[^a-z0-9]/g,
    (unit) => `_${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${prefix}-${project}-${name}`;
}
