import type { ViewEntry } from './view.js';

/** All views, by the first part of their addresses, in the order of the navigation. */
export const VIEWS: Readonly<Record<string, ViewEntry>> = {
  alarms: { name: 'Alarms', load: async () => (await import('../alarms/alarms-view.js')).AlarmsView },
  alarm: {
    name: undefined,
    within: 'alarms',
    load: async () => (await import('../alarm/alarm-view.js')).AlarmView,
  },
  new: { name: undefined, within: 'alarms', load: async () => (await import('../edit/edit-view.js')).EditView },
  edit: { name: undefined, within: 'alarms', load: async () => (await import('../edit/edit-view.js')).EditView },
  meters: { name: 'Meters', load: async () => (await import('../meters/meters-view.js')).MetersView },
  silences: { name: 'Silences', load: async () => (await import('../silences/silences-view.js')).SilencesView },
  notifications: {
    name: 'Notifications',
    load: async () => (await import('../notifications/notifications-view.js')).NotificationsView,
  },
  cluster: {
    name: 'Cluster',
    onlyAdmins: true,
    load: async () => (await import('../cluster/cluster-view.js')).ClusterView,
  },
};

/** Shown in place of a view until the user has signed in. */
export const SIGN_IN: ViewEntry = {
  name: 'Sign in',
  load: async () => (await import('../sign-in/sign-in-view.js')).SignInView,
};
