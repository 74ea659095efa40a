import { z } from 'zod';

import {
  AttemptAnswer,
  NotificationAnswer,
  NotificationWithAttemptsAnswer,
  PauseAnswer,
} from '../answers/notification-answer.js';
import {
  BulkReplayAnswer,
  CountsByReceiverAnswer,
  ReplayAnswer,
  ReplayPreviewAnswer,
} from '../answers/receiver-counts-answer.js';
import {
  SilenceAnswer,
  SilencePreviewAnswer,
  SilencesAnswer,
  SilenceWithChangesAnswer,
} from '../answers/silence-answer.js';
import { PauseRequest } from '../schema/pause-request.js';
import { SilenceRequest } from '../schema/silence-request.js';
import type { Operation } from './operation.js';

/** The documentation of the routes of notifications, pauses and silences. */
export const NOTIFICATION_OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET /v1/notifications': {
    group: 'Notifications',
    summary: 'List notifications',
    answer: z.array(NotificationAnswer),
  },
  'GET /v1/notifications/receivers': {
    group: 'Notifications',
    summary: 'Count pending, failing and dead notifications by receiver, most failing first',
    answer: CountsByReceiverAnswer,
  },
  'GET /v1/notifications/replay/preview': {
    group: 'Notifications',
    summary: 'Count the notifications that a replay would send again; sends nothing',
    answer: ReplayPreviewAnswer,
  },
  'GET /v1/notifications/:id': {
    group: 'Notifications',
    summary: 'Get a notification, with all attempts to deliver it',
    answer: NotificationWithAttemptsAnswer,
  },
  'GET /v1/notifications/:id/attempts': {
    group: 'Notifications',
    summary: 'List the attempts to deliver a notification',
    answer: z.array(AttemptAnswer),
  },
  'POST /v1/notifications/replay': {
    group: 'Notifications',
    summary: 'Send up to 1,000 notifications of one status again (default: dead)',
    answer: BulkReplayAnswer,
  },
  'POST /v1/notifications/:id/replay': {
    group: 'Notifications',
    summary: 'Send a notification again',
    answer: ReplayAnswer,
  },
  'GET /v1/delivery-pauses': {
    group: 'Notifications',
    summary: 'List projects whose deliveries are paused',
    answer: z.array(PauseAnswer),
  },
  'PUT /v1/delivery-pauses/:project': {
    group: 'Notifications',
    summary: 'Pause the deliveries of a project, or of all projects (*); again: change its end and reason',
    request: PauseRequest,
    isRequestOptional: true,
    answer: null,
  },
  'DELETE /v1/delivery-pauses/:project': {
    group: 'Notifications',
    summary: 'Resume the deliveries of a project, or of all projects (*)',
    answer: null,
  },
  'GET /v1/silences': {
    group: 'Notifications',
    summary: 'List silences, newest first: those of the project, of several projects with it, and of all projects',
    answer: SilencesAnswer,
  },
  'POST /v1/silences': {
    group: 'Notifications',
    summary: 'Create a silence, which holds the notifications of alarms for a time',
    request: SilenceRequest,
    answer: SilenceAnswer,
    isVersioned: true,
  },
  'POST /v1/silences/preview': {
    group: 'Notifications',
    summary: 'Find the alarms that a silence would hold; creates nothing',
    request: SilenceRequest,
    answer: SilencePreviewAnswer,
  },
  'GET /v1/silences/:id': {
    group: 'Notifications',
    summary: 'Get a silence, with the users who made, changed and ended it',
    answer: SilenceWithChangesAnswer,
    isVersioned: true,
  },
  'PUT /v1/silences/:id': {
    group: 'Notifications',
    summary: 'Replace a silence that has not ended; without starts_at it keeps its start',
    request: SilenceRequest,
    answer: SilenceAnswer,
    isVersioned: true,
  },
  'DELETE /v1/silences/:id': {
    group: 'Notifications',
    summary: 'End a silence now; it can still be read',
    answer: null,
    isVersioned: true,
  },
};
