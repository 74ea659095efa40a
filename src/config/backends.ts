import type { Config } from './schema.js';

type Section<Kind extends 'gnocchi' | 'prometheus'> = Omit<Config[Kind], 'others'>;
/** Options of one Gnocchi. */
export type GnocchiSettings = Section<'gnocchi'>;
/** Options of one Prometheus. */
export type PrometheusSettings = Section<'prometheus'>;

/** Options of a backend whose `url` is set. */
export type Reachable<Settings> = Settings & { url: string };

/** All configured Gnocchis by name; the default one has the name null. */
export function gnocchiBackends({
  gnocchi,
}: Pick<Config, 'gnocchi'>): ReadonlyMap<string | null, Reachable<GnocchiSettings>> {
  return reachable(gnocchiSections({ gnocchi }));
}

/** All configured Prometheuses by name; the default one has the name null. */
export function prometheusBackends({
  prometheus,
}: Pick<Config, 'prometheus'>): ReadonlyMap<string | null, Reachable<PrometheusSettings>> {
  return reachable(prometheusSections({ prometheus }));
}

/** The default section, even without `url`, and all named sections. */
export function gnocchiSections({ gnocchi }: Pick<Config, 'gnocchi'>): ReadonlyMap<string | null, GnocchiSettings> {
  return sectionsOf<GnocchiSettings>(gnocchi, gnocchi.others);
}

/** As `gnocchiSections`. */
export function prometheusSections({
  prometheus,
}: Pick<Config, 'prometheus'>): ReadonlyMap<string | null, PrometheusSettings> {
  return sectionsOf<PrometheusSettings>(prometheus, prometheus.others);
}

/** Names of all backends for the terminal. Octavia counts with Keystone, whose catalogue may have it. */
export function backendTexts(config: Pick<Config, 'gnocchi' | 'prometheus' | 'octavia' | 'keystone'>): string[] {
  const text = (kind: string, name: string | null): string => (name === null ? kind : `${kind} ${name}`);
  const { octavia, keystone } = config;
  return [
    'the built-in meters',
    ...[...gnocchiBackends(config).keys()].map((name) => text('gnocchi', name)),
    ...[...prometheusBackends(config).keys()].map((name) => text('prometheus', name)),
    ...(octavia.url !== undefined || keystone.auth_url !== undefined ? ['octavia'] : []),
  ];
}

/** Name of a section in the configuration: `gnocchi`, `gnocchi.others.east`. */
export function sectionName(kind: 'gnocchi' | 'prometheus', name: string | null): string {
  return name === null ? kind : `${kind}.others.${name}`;
}

function sectionsOf<Settings>(
  first: Settings,
  others: Readonly<Record<string, Settings>>,
): Map<string | null, Settings> {
  return new Map<string | null, Settings>([[null, first], ...Object.entries(others)]);
}

function reachable<Settings extends { url?: string | undefined }>(
  sections: ReadonlyMap<string | null, Settings>,
): Map<string | null, Reachable<Settings>> {
  const named = [...sections].flatMap(([name, settings]): [string | null, Reachable<Settings>][] => {
    const { url } = settings;
    return url === undefined ? [] : [[name, { ...settings, url }]];
  });
  return new Map(named);
}
