import type { Config } from './schema.js';

/** Options of one Gnocchi. */
export type GnocchiSettings = Config['gnocchi']['others'][string];
/** Options of one Prometheus. */
export type PrometheusSettings = Config['prometheus']['others'][string];

/** Options of a backend whose `url` is set. */
export type Reachable<Settings> = Settings & { url: string };

interface WithOthers<Settings> {
  others: Readonly<Record<string, Settings>>;
}

/** The default section, even without `url`, and all named sections; the default one has the name null. */
export function sectionsOf<Settings>(
  section: NoInfer<Settings> & WithOthers<Settings>,
): ReadonlyMap<string | null, Settings> {
  return new Map<string | null, Settings>([[null, section], ...Object.entries(section.others)]);
}

/** The sections of `sectionsOf` with a `url`: the configured backends by name; the default one has the name null. */
export function backendsOf<Settings extends { url?: string | undefined }>(
  section: NoInfer<Settings> & WithOthers<Settings>,
): ReadonlyMap<string | null, Reachable<Settings>> {
  const named = [...sectionsOf(section)].flatMap(([name, settings]): [string | null, Reachable<Settings>][] => {
    const { url } = settings;
    return url === undefined ? [] : [[name, { ...settings, url }]];
  });
  return new Map(named);
}

/** All named sections, with the name in the configuration: `gnocchi.others.east`. */
export function namedSections(config: Config): { section: string; url: string | undefined }[] {
  return Object.entries(config).flatMap(([kind, options]) => {
    if (typeof options !== 'object' || !('others' in options)) return [];
    const others = Object.entries<{ url?: string | undefined }>(options.others);
    return others.map(([name, { url }]) => ({ section: sectionName(kind, name), url }));
  });
}

/** Name of a section in the configuration: `gnocchi`, `gnocchi.others.east`. */
export function sectionName(kind: string, name: string | null): string {
  return name === null ? kind : `${kind}.others.${name}`;
}
