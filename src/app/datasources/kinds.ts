import type { DatasourceKind } from '../../alarm/series.js';
import type { Config } from '../../config/schema.js';
import type { BackendKind } from './backend-kind.js';
import { gnocchi } from './gnocchi.js';
import { meters } from './meters.js';
import { octavia } from './octavia.js';
import { prometheus } from './prometheus.js';

/**
 * All kinds of backends. Checks of rules run in this order: Prometheus first, since most of its refusals need no
 * request.
 */
export const BACKEND_KINDS: { readonly [Kind in DatasourceKind]: BackendKind<Kind> } = {
  meters,
  prometheus,
  gnocchi,
  octavia,
};

/** The names of `BACKEND_KINDS`, in its order. */
export const KIND_NAMES = Object.keys(BACKEND_KINDS) as DatasourceKind[];

/** True if there can be several backends of this kind, which alarms select by name. */
export function hasNames(kind: DatasourceKind, config: Config): boolean {
  return 'others' in config[kind];
}

/** All configured backends for the terminal: `gnocchi`, `gnocchi east`. */
export function backendTexts(config: Config): string[] {
  return KIND_NAMES.flatMap((kind) => {
    const { title = kind, names } = BACKEND_KINDS[kind];
    return names(config).map((name) => (name === null ? title : `${title} ${name}`));
  });
}
