import { existsSync } from 'node:fs';

import type { InstallableProgram } from '../../dev/servers/debian-packages.js';
import { findOnPath } from '../../dev/servers/redis.js';

/** Debian's command line of Aodh: what people run against Tocsin. */
export const AODH: InstallableProgram = {
  name: 'the aodh command',
  debianPackage: 'python3-aodhclient',
  find: () => findOnPath('aodh'),
};

/** The common command line, into which the package of `aodh` plugs: the only way to its quota commands. */
export const OPENSTACK: InstallableProgram = {
  name: 'the openstack command',
  debianPackage: 'python3-openstackclient',
  find: () => findOnPath('openstack'),
};

/**
 * All of Keystone. The package `keystone` would add only a system service and its configuration, which no test may use.
 */
export const KEYSTONE: InstallableProgram = {
  name: 'Keystone',
  debianPackage: 'python3-keystone',
  find: () => findOnPath('keystone-manage'),
};

/**
 * All of Gnocchi. The packages `gnocchi-api` and `gnocchi-metricd` would add only system services and their
 * configuration.
 */
export const GNOCCHI: InstallableProgram = {
  name: 'Gnocchi',
  debianPackage: 'python3-gnocchi',
  find: () => findOnPath('gnocchi-upgrade'),
};

/** Debian's package starts a daemon on installation, which installing here prevents. `promtool` comes with it. */
export const PROMETHEUS: InstallableProgram = {
  name: 'Prometheus',
  debianPackage: 'prometheus',
  find: () => findOnPath('prometheus'),
};

/** The program itself: the script of that name on the PATH reads settings of the machine. */
const CHROMIUM_PROGRAM = '/usr/lib/chromium/chromium';

/** Opens the page /console. */
export const CHROMIUM: InstallableProgram = {
  name: 'Chromium',
  debianPackage: 'chromium',
  find: () => (existsSync(CHROMIUM_PROGRAM) ? CHROMIUM_PROGRAM : findOnPath('chromium')),
};

const AODH_MODULE = '/usr/lib/python3/dist-packages/aodh/api/app.py';

/**
 * All of Aodh's service. The packages `aodh-api` and `aodh-common` would add only system services and scripts that
 * start modules of this one.
 */
export const AODH_SERVICE: InstallableProgram = {
  name: "Aodh's service",
  debianPackage: 'python3-aodh',
  find: () => (existsSync(AODH_MODULE) ? AODH_MODULE : undefined),
};

/** Debian's interpreter, not the first on the PATH: only this one sees Debian's packages. */
export const PYTHON = '/usr/bin/python3';
const CRONITER_MODULE = '/usr/lib/python3/dist-packages/croniter/croniter.py';

/** The cron of Aodh, which tells what a cron expression means. */
export const CRONITER: InstallableProgram = {
  name: 'croniter',
  debianPackage: 'python3-croniter',
  find: () => (existsSync(CRONITER_MODULE) ? PYTHON : undefined),
};

/** What Python's `zoneinfo` reads. */
export const TZ_DATABASE: InstallableProgram = {
  name: 'the tz database',
  debianPackage: 'tzdata',
  find: () => ['/usr/share/zoneinfo/Africa/Cairo'].find((file) => existsSync(file)),
};

/** Judges the units of deploy/systemd/. Needs no running systemd. */
export const SYSTEMD_ANALYZE: InstallableProgram = {
  name: 'systemd-analyze',
  debianPackage: 'systemd',
  find: () => findOnPath('systemd-analyze'),
};

/** For deploy/nginx.conf. The smallest of Debian's packages of nginx. */
export const NGINX: InstallableProgram = {
  name: 'nginx',
  debianPackage: 'nginx-light',
  find: () => findOnPath('nginx'),
};

/** For deploy/haproxy.cfg. */
export const HAPROXY: InstallableProgram = {
  name: 'HAProxy',
  debianPackage: 'haproxy',
  find: () => findOnPath('haproxy'),
};

/** Decides which PostgreSQL accepts changes. */
export const PATRONI: InstallableProgram = {
  name: 'Patroni',
  debianPackage: 'patroni',
  find: () => findOnPath('patroni'),
};

const ETCD_CLIENT_MODULE = '/usr/lib/python3/dist-packages/etcd/__init__.py';

/** Patroni's package asks for the client of any one store. */
export const ETCD_CLIENT: InstallableProgram = {
  name: "Python's client of etcd",
  debianPackage: 'python3-etcd',
  find: () => (existsSync(ETCD_CLIENT_MODULE) ? ETCD_CLIENT_MODULE : undefined),
};

/** Where Patroni keeps the leader's lock. */
export const ETCD: InstallableProgram = { name: 'etcd', debianPackage: 'etcd-server', find: () => findOnPath('etcd') };

/** Makes addresses and devices of network namespaces. */
export const IPROUTE: InstallableProgram = { name: 'ip', debianPackage: 'iproute2', find: () => findOnPath('ip') };
