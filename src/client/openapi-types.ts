/**
 * The types of Tocsin's API. Made from its OpenAPI document by `npm run generate:client`; do not edit.
 */
/* eslint-disable max-lines, max-len -- a generated file has the length of the document */

export interface paths {
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the versions of the API; a browser is sent to /console */
        get: operations["listVersions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that the process is alive */
        get: operations["checkLiveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that the process can do its work; lists each check */
        get: operations["checkReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthcheck": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that the process is alive (as in Aodh) */
        get: operations["checkHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the metrics of this process, for Prometheus */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/alarms/backtest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Evaluate a draft of an alarm over a time span of the past; creates nothing
         * @description Requires the role member or a higher one.
         */
        post: operations["backtestAlarm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alarms/{id}/values": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the values that an alarm compared over a time span, and the states that follow from them
         * @description Requires the role reader or a higher one.
         */
        get: operations["getAlarmValues"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alarms/values": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get the values that a draft of an alarm compares over a time span of the past; creates nothing
         * @description Requires the role member or a higher one.
         */
        post: operations["getDraftValues"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alarms/latest-values": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get the last compared value of up to 100 alarms
         * @description Requires the role reader or a higher one.
         */
        post: operations["getLatestValues"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alarms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List alarms as a table shows them, page by page; for admins of all projects
         * @description Requires the role reader or a higher one.
         */
        get: operations["listAlarmTable"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alarms/counts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count alarms by state, type and severity; counts are kept for 5 seconds
         * @description Requires the role reader or a higher one.
         */
        get: operations["countAlarms"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alarm-schema": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the JSON Schema of the body that creates an alarm, with titles and descriptions for a form
         * @description Requires no role.
         */
        get: operations["getAlarmSchema"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alarms/test-fire": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test of actions of a draft of an alarm, once, and get the outcome; creates no alarm
         * @description Requires the role member or a higher one.
         */
        post: operations["testFireDraft"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alarms/{id}/test-fire": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test of actions of an alarm, once, and get the outcome; the alarm does not change
         * @description Requires the role member or a higher one.
         */
        post: operations["testFireAlarm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/alarms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List alarms of a project; admins may list those of all projects with all_projects
         * @description Requires the role reader or a higher one.
         */
        get: operations["listAlarms"];
        put?: never;
        /**
         * Create an alarm
         * @description Requires the role member or a higher one.
         */
        post: operations["createAlarm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/alarms/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an alarm
         * @description Requires the role reader or a higher one.
         */
        get: operations["getAlarm"];
        /**
         * Replace an alarm; fields that the body leaves out get their defaults, also the state
         * @description Requires the role member or a higher one.
         */
        put: operations["replaceAlarm"];
        post?: never;
        /**
         * Delete an alarm; its history stays
         * @description Requires the role member or a higher one.
         */
        delete: operations["deleteAlarm"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/alarms/{id}/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Explain the state of an alarm, now or at a time in the past: requests to backends, datapoints, result and decision
         * @description Requires the role reader or a higher one.
         */
        get: operations["explainAlarm"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/alarms/{id}/state": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the state of an alarm
         * @description Requires the role reader or a higher one.
         */
        get: operations["getAlarmState"];
        /**
         * Set the state of an alarm; runs no action
         * @description Requires the role member or a higher one.
         */
        put: operations["setAlarmState"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/alarms/{id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the history of an alarm, also after its deletion
         * @description Requires the role reader or a higher one.
         */
        get: operations["listAlarmHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transitions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List changes of state, newest first
         * @description Requires the role reader or a higher one.
         */
        get: operations["listTransitions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/query/alarms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Find alarms by a filter of comparisons, and, or, not
         * @description Requires the role reader or a higher one.
         */
        post: operations["queryAlarms"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/query/alarms/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Find history entries by a filter of comparisons, and, or, not
         * @description Requires the role reader or a higher one.
         */
        post: operations["queryAlarmHistory"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/meters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List meters of the built-in store
         * @description Requires the role reader or a higher one.
         */
        get: operations["listMeters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/meters/{meter}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List samples of a meter, newest first
         * @description Requires the role reader or a higher one.
         */
        get: operations["listSamples"];
        put?: never;
        /**
         * Store samples
         * @description Requires the role member or a higher one.
         */
        post: operations["createSamples"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/meters/{meter}/statistics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get statistics of a meter’s samples, by period and group
         * @description Requires the role reader or a higher one.
         */
        get: operations["getStatistics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/resources": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List resources that have samples
         * @description Requires the role reader or a higher one.
         */
        get: operations["listResources"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/resources/{resource}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a resource
         * @description Requires the role reader or a higher one.
         */
        get: operations["getResource"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/meters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List meters as a table shows them, by name, each with the number of its resources
         * @description Requires the role reader or a higher one.
         */
        get: operations["listMeterTable"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/resources": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List resources as a table shows them, by id, each with its meters
         * @description Requires the role reader or a higher one.
         */
        get: operations["listResourceTable"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send events; alarms of their projects are evaluated before the answer
         * @description Requires the role member or a higher one.
         */
        post: operations["sendEvents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notifications/replay/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count the notifications that a replay would send again; sends nothing
         * @description Requires the role reader or a higher one.
         */
        get: operations["previewReplay"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notifications/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send up to 1,000 notifications of one status again (default: dead)
         * @description Requires the role member or a higher one.
         */
        post: operations["replayNotifications"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notifications/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a notification again
         * @description Requires the role member or a higher one.
         */
        post: operations["replayNotification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List notifications
         * @description Requires the role reader or a higher one.
         */
        get: operations["listNotifications"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notifications/receivers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count pending, failing and dead notifications by receiver, most failing first
         * @description Requires the role reader or a higher one.
         */
        get: operations["countByReceiver"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notifications/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a notification, with all attempts to deliver it
         * @description Requires the role reader or a higher one.
         */
        get: operations["getNotification"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notifications/{id}/attempts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the attempts to deliver a notification
         * @description Requires the role reader or a higher one.
         */
        get: operations["listAttempts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/delivery-pauses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List projects whose deliveries are paused
         * @description Requires the role reader or a higher one.
         */
        get: operations["listDeliveryPauses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/delivery-pauses/{project}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Pause the deliveries of a project, or of all projects (*); again: change its end and reason
         * @description Requires the role member or a higher one.
         */
        put: operations["pauseDeliveries"];
        post?: never;
        /**
         * Resume the deliveries of a project, or of all projects (*)
         * @description Requires the role member or a higher one.
         */
        delete: operations["resumeDeliveries"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow transitions, definitions, deliveries, silences and pauses as server-sent events; see docs/stream.md
         * @description Requires the role reader or a higher one.
         */
        get: operations["streamEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/silences": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List silences, newest first: those of the project, of several projects with it, and of all projects
         * @description Requires the role reader or a higher one.
         */
        get: operations["listSilences"];
        put?: never;
        /**
         * Create a silence, which holds the notifications of alarms for a time
         * @description Requires the role member or a higher one.
         */
        post: operations["createSilence"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/silences/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Find the alarms that a silence would hold; creates nothing
         * @description Requires the role reader or a higher one.
         */
        post: operations["previewSilence"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/silences/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a silence, with the users who made, changed and ended it
         * @description Requires the role reader or a higher one.
         */
        get: operations["getSilence"];
        /**
         * Replace a silence that has not ended; without starts_at it keeps its start
         * @description Requires the role member or a higher one.
         */
        put: operations["replaceSilence"];
        post?: never;
        /**
         * End a silence now; it can still be read
         * @description Requires the role member or a higher one.
         */
        delete: operations["endSilence"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/receivers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List receivers, newest first; see docs/webhooks.md
         * @description Requires the role member or a higher one.
         */
        get: operations["listReceivers"];
        put?: never;
        /**
         * Create a receiver: the record of a project about its webhooks to one origin
         * @description Requires the role member or a higher one.
         */
        post: operations["createReceiver"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/receivers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a receiver
         * @description Requires the role member or a higher one.
         */
        get: operations["getReceiver"];
        /**
         * Replace name and description of a receiver, and its headers if the body has any
         * @description Requires the role member or a higher one.
         */
        put: operations["replaceReceiver"];
        post?: never;
        /**
         * Delete a receiver with its secrets: webhooks to it are no longer signed with them
         * @description Requires the role member or a higher one.
         */
        delete: operations["deleteReceiver"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/receivers/{id}/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a signing secret, which only this answer shows; the former one signs along for signing.overlap
         * @description Requires the role member or a higher one.
         */
        post: operations["createSigningSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/receivers/{id}/secrets/{secret}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End a signing secret now; if it is the current one, the one before it signs on
         * @description Requires the role member or a higher one.
         */
        delete: operations["endSigningSecret"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import alarms of an Aodh; they are muted
         * @description Requires the role admin or a higher one.
         */
        post: operations["importAlarms"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/imports/activate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Activate imported alarms, so that they run their actions
         * @description Requires the role admin or a higher one.
         */
        post: operations["activateImports"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/quotas": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the quota of a project: most alarms
         * @description Requires the role reader or a higher one.
         */
        get: operations["getQuotas"];
        put?: never;
        /**
         * Set the quota of a project; -1: no limit
         * @description Requires the role admin or a higher one.
         */
        post: operations["setQuotas"];
        /**
         * Reset the quota of a project to the default
         * @description Requires the role admin or a higher one.
         */
        delete: operations["resetQuotas"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/quotas/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the quota of a project: most alarms
         * @description Requires the role reader or a higher one.
         */
        get: operations["getProjectQuotas"];
        put?: never;
        post?: never;
        /**
         * Reset the quota of a project to the default
         * @description Requires the role admin or a higher one.
         */
        delete: operations["resetProjectQuotas"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/capabilities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the capabilities of the API, in Aodh’s form
         * @description Requires no role.
         */
        get: operations["listCapabilities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count evaluation results by alarm and state; needs api.evaluation_results_metrics
         * @description Requires the role reader or a higher one.
         */
        get: operations["countEvaluationResults"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cluster": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the state of the cluster
         * @description Requires the role admin or a higher one.
         */
        get: operations["getCluster"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the audit trail, newest first: who did what, when and from where
         * @description Requires the role admin, in all projects or in one.
         */
        get: operations["listAuditEntries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List API keys of a project
         * @description Requires the role member or a higher one.
         */
        get: operations["listApiKeys"];
        put?: never;
        /**
         * Create an API key
         * @description Requires the role member or a higher one.
         */
        post: operations["createApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke an API key
         * @description Requires the role member or a higher one.
         */
        delete: operations["revokeApiKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the caller of the request: user, project, role, and when the session ends
         * @description Requires no role.
         */
        get: operations["getSession"];
        put?: never;
        /** Sign in from a page of this service; the answer sets the cookie of the session */
        post: operations["beginSession"];
        /**
         * Sign out: end the session of the cookie
         * @description Requires no role.
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/console": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show alarms and what became of them as a web page */
        get: operations["showConsole"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/console/{folder}/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a file of that web page */
        get: operations["getConsoleFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get this document */
        get: operations["getDocument"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show this document as a web page */
        get: operations["showPage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a file of that web page */
        get: operations["getPageFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    notification: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Receive a notification, at the address of an http or https action */
        post: operations["receiveNotification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        /** @description An error: the reason why the request failed. */
        Fault: {
            error_message: {
                /** @enum {string} */
                faultcode: "Client" | "Server";
                faultstring: string | {
                    [key: string]: unknown;
                };
                debuginfo: null;
            };
        };
        CompositeNode: {
            and: components["schemas"]["CompositeNode"][];
        } | {
            or: components["schemas"]["CompositeNode"][];
        } | {
            /**
             * Metrics
             * @description Ids of metrics.
             */
            metrics: string[];
            /**
             * Comparison
             * @description How a datapoint is compared with the threshold.
             * @default eq
             */
            comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
            /**
             * Threshold
             * @description A datapoint is outside the threshold if the comparison with this number is true.
             */
            threshold: number;
            /**
             * Aggregation method
             * @description One of the archive policy, such as mean, max or rate:mean.
             */
            aggregation_method: string;
            /**
             * Periods
             * @description Number of the last datapoints that are compared.
             * @default 1
             */
            evaluation_periods?: number | null;
            /**
             * Granularity
             * @description Time between two datapoints. The archive policy of the metric must have this granularity.
             * @default 60
             */
            granularity?: number | null;
            /** @constant */
            type: "gnocchi_aggregation_by_metrics_threshold";
            tocsin?: {
                /**
                 * Datapoints to alarm
                 * @description The alarm fires as soon as this many of the last datapoints are outside the threshold. Not set: all.
                 */
                datapoints_to_alarm?: number | null;
                /**
                 * Missing data
                 * @description How a missing datapoint counts. ignore: the alarm keeps its state.
                 */
                treat_missing_data?: ("missing" | "ok" | "alarm" | "ignore") | null;
                /**
                 * Clear threshold
                 * @description Used instead of the threshold while the state is alarm (hysteresis).
                 */
                clear_threshold?: number | null;
                /**
                 * Ingestion lag
                 * @description How late data arrives. The window of the datapoints ends this long before the evaluation.
                 */
                ingestion_lag?: number | null;
                /**
                 * Backend
                 * @description Name of a configured backend. Not set: the one without a name.
                 */
                backend?: string | null;
            } | null;
        } | {
            /**
             * Metric
             * @description Name of a metric, such as cpu.
             */
            metric: string;
            /**
             * Query
             * @description JSON that selects the resources, such as {"=": {"server_group": "web"}}. {} selects all.
             */
            query: string;
            /**
             * Resource type
             * @description Type of the resource, such as instance.
             */
            resource_type: string;
            /**
             * Comparison
             * @description How a datapoint is compared with the threshold.
             * @default eq
             */
            comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
            /**
             * Threshold
             * @description A datapoint is outside the threshold if the comparison with this number is true.
             */
            threshold: number;
            /**
             * Aggregation method
             * @description One of the archive policy, such as mean, max or rate:mean.
             */
            aggregation_method: string;
            /**
             * Periods
             * @description Number of the last datapoints that are compared.
             * @default 1
             */
            evaluation_periods?: number | null;
            /**
             * Granularity
             * @description Time between two datapoints. The archive policy of the metric must have this granularity.
             * @default 60
             */
            granularity?: number | null;
            /** @constant */
            type: "gnocchi_aggregation_by_resources_threshold";
            tocsin?: {
                /**
                 * Datapoints to alarm
                 * @description The alarm fires as soon as this many of the last datapoints are outside the threshold. Not set: all.
                 */
                datapoints_to_alarm?: number | null;
                /**
                 * Missing data
                 * @description How a missing datapoint counts. ignore: the alarm keeps its state.
                 */
                treat_missing_data?: ("missing" | "ok" | "alarm" | "ignore") | null;
                /**
                 * Clear threshold
                 * @description Used instead of the threshold while the state is alarm (hysteresis).
                 */
                clear_threshold?: number | null;
                /**
                 * Ingestion lag
                 * @description How late data arrives. The window of the datapoints ends this long before the evaluation.
                 */
                ingestion_lag?: number | null;
                /**
                 * Backend
                 * @description Name of a configured backend. Not set: the one without a name.
                 */
                backend?: string | null;
            } | null;
        } | {
            /**
             * Metric
             * @description Name of a metric, such as cpu.
             */
            metric: string;
            /**
             * Resource
             * @description Id of the resource.
             */
            resource_id: string;
            /**
             * Resource type
             * @description Type of the resource, such as instance.
             */
            resource_type: string;
            /**
             * Comparison
             * @description How a datapoint is compared with the threshold.
             * @default eq
             */
            comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
            /**
             * Threshold
             * @description A datapoint is outside the threshold if the comparison with this number is true.
             */
            threshold: number;
            /**
             * Aggregation method
             * @description One of the archive policy, such as mean, max or rate:mean.
             */
            aggregation_method: string;
            /**
             * Periods
             * @description Number of the last datapoints that are compared.
             * @default 1
             */
            evaluation_periods?: number | null;
            /**
             * Granularity
             * @description Time between two datapoints. The archive policy of the metric must have this granularity.
             * @default 60
             */
            granularity?: number | null;
            /** @constant */
            type: "gnocchi_resources_threshold";
            tocsin?: {
                /**
                 * Datapoints to alarm
                 * @description The alarm fires as soon as this many of the last datapoints are outside the threshold. Not set: all.
                 */
                datapoints_to_alarm?: number | null;
                /**
                 * Missing data
                 * @description How a missing datapoint counts. ignore: the alarm keeps its state.
                 */
                treat_missing_data?: ("missing" | "ok" | "alarm" | "ignore") | null;
                /**
                 * Clear threshold
                 * @description Used instead of the threshold while the state is alarm (hysteresis).
                 */
                clear_threshold?: number | null;
                /**
                 * Ingestion lag
                 * @description How late data arrives. The window of the datapoints ends this long before the evaluation.
                 */
                ingestion_lag?: number | null;
                /**
                 * Backend
                 * @description Name of a configured backend. Not set: the one without a name.
                 */
                backend?: string | null;
            } | null;
        } | {
            /**
             * Comparison
             * @description How a datapoint is compared with the threshold.
             * @default eq
             */
            comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
            /**
             * Threshold
             * @description A datapoint is outside the threshold if the comparison with this number is true.
             */
            threshold: number;
            /**
             * Query
             * @description In PromQL, without a comparison, such as rate(node_cpu_seconds_total[5m]).
             */
            query: string;
            /**
             * Periods
             * @description Number of the last datapoints that are compared. Without it and a granularity: the present value.
             */
            evaluation_periods?: number | null;
            /**
             * Granularity
             * @description Time between two datapoints of the series.
             */
            granularity?: number | null;
            /** @constant */
            type: "prometheus";
            tocsin?: {
                /**
                 * Datapoints to alarm
                 * @description The alarm fires as soon as this many of the last datapoints are outside the threshold. Not set: all.
                 */
                datapoints_to_alarm?: number | null;
                /**
                 * Missing data
                 * @description How a missing datapoint counts. ignore: the alarm keeps its state.
                 */
                treat_missing_data?: ("missing" | "ok" | "alarm" | "ignore") | null;
                /**
                 * Clear threshold
                 * @description Used instead of the threshold while the state is alarm (hysteresis).
                 */
                clear_threshold?: number | null;
                /**
                 * Ingestion lag
                 * @description How late data arrives. The window of the datapoints ends this long before the evaluation.
                 */
                ingestion_lag?: number | null;
                /**
                 * Backend
                 * @description Name of a configured backend. Not set: the one without a name.
                 */
                backend?: string | null;
            } | null;
        };
        AlarmRequest: {
            readonly alarm_id?: string | null;
            /** Name */
            name: string;
            /**
             * Description
             * @description Empty: a text is made from the rule.
             * @default
             */
            description?: string | null;
            /**
             * Enabled
             * @description A disabled alarm is not evaluated and sends nothing.
             * @default true
             */
            enabled?: boolean | null;
            /** Actions on ok */
            ok_actions?: string[] | null;
            /**
             * Actions on alarm
             * @description URLs that are called, such as https://example.com/hook.
             */
            alarm_actions?: string[] | null;
            /** Actions on insufficient data */
            insufficient_data_actions?: string[] | null;
            /**
             * Repeat actions
             * @description Run the actions at each evaluation, not only when the state changes.
             * @default false
             */
            repeat_actions?: boolean | null;
            /**
             * Type
             * @enum {unknown}
             */
            type: "threshold" | "combination" | "gnocchi_resources_threshold" | "gnocchi_aggregation_by_metrics_threshold" | "gnocchi_aggregation_by_resources_threshold" | "prometheus" | "composite" | "loadbalancer_member_health" | "event";
            /**
             * Time constraints
             * @description The alarm is evaluated only within one of them. None: always.
             * @default []
             */
            time_constraints?: {
                /** Name */
                name: string;
                /**
                 * Description
                 * @default
                 */
                description?: string | null;
                /**
                 * Start
                 * @description A cron expression, such as 0 8 * * 1-5 (8 am from Monday to Friday).
                 */
                start: string;
                /** Duration */
                duration: number;
                /**
                 * Time zone
                 * @description Such as Europe/Berlin. Empty: UTC.
                 * @default
                 */
                timezone?: string | null;
            }[] | null;
            /**
             * Project
             * @description The project that the alarm belongs to. Only admins may name another one than their own.
             */
            project_id?: string | null;
            /**
             * User
             * @description The user that the alarm belongs to. Only admins may name another one than themselves.
             */
            user_id?: string | null;
            /** @description ISO 8601; UTC where it names no offset. */
            readonly timestamp?: string | null;
            /**
             * State
             * @description State until the first evaluation.
             * @default insufficient data
             */
            state?: ("ok" | "alarm" | "insufficient data") | null;
            /** @description ISO 8601; UTC where it names no offset. */
            readonly state_timestamp?: string | null;
            readonly state_reason?: string | null;
            /**
             * Severity
             * @default low
             */
            severity?: ("low" | "moderate" | "critical") | null;
            /** @description ISO 8601; UTC where it names no offset. */
            readonly evaluate_timestamp?: string | null;
            tocsin?: {
                /**
                 * Delivery policy
                 * @description current: a newer transition supersedes a notification that still waits. every: each one is delivered.
                 */
                delivery_policy?: ("current" | "every") | null;
                /**
                 * Datapoints to alarm
                 * @description The alarm fires as soon as this many of the last datapoints are outside the threshold. Not set: all.
                 */
                datapoints_to_alarm?: number | null;
                /**
                 * Missing data
                 * @description How a missing datapoint counts. ignore: the alarm keeps its state.
                 */
                treat_missing_data?: ("missing" | "ok" | "alarm" | "ignore") | null;
                /**
                 * Clear threshold
                 * @description Used instead of the threshold while the state is alarm (hysteresis).
                 */
                clear_threshold?: number | null;
                /**
                 * Ingestion lag
                 * @description How late data arrives. The window of the datapoints ends this long before the evaluation.
                 */
                ingestion_lag?: number | null;
                /**
                 * Backend
                 * @description Name of a configured backend. Not set: the one without a name.
                 */
                backend?: string | null;
                /** @description Set by imports. It must equal the stored value. */
                readonly muted?: boolean | null;
            } | null;
            threshold_rule?: {
                /**
                 * Period
                 * @description Length of the period whose samples become one datapoint.
                 * @default 60
                 */
                period?: number | null;
                /**
                 * Comparison
                 * @description How a datapoint is compared with the threshold.
                 * @default eq
                 */
                comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                /**
                 * Threshold
                 * @description A datapoint is outside the threshold if the comparison with this number is true.
                 */
                threshold: number;
                /**
                 * Statistic
                 * @description How the samples of a period become one datapoint.
                 * @default avg
                 */
                statistic?: ("max" | "min" | "avg" | "sum" | "count") | null;
                /**
                 * Periods
                 * @description Number of the last datapoints that are compared.
                 * @default 1
                 */
                evaluation_periods?: number | null;
                /**
                 * Meter
                 * @description Name of a meter, such as cpu_util.
                 */
                meter_name: string;
                /**
                 * Exclude outliers
                 * @description Leave out periods with far fewer or far more samples than the others.
                 * @default false
                 */
                exclude_outliers?: boolean | null;
                /**
                 * Conditions
                 * @description A sample must meet all of them. Fields are resource_id, user_id, metadata.NAME and others.
                 * @default []
                 */
                query?: {
                    /** Field */
                    field: string;
                    /**
                     * Comparison
                     * @default eq
                     */
                    op?: "eq" | null;
                    /** Value */
                    value: string;
                    /**
                     * Type
                     * @description Type of the value. Empty: text.
                     * @default
                     */
                    type?: ("" | "integer" | "float" | "string" | "boolean" | "datetime") | null;
                }[] | null;
            } | null;
            combination_rule?: {
                /**
                 * Operator
                 * @description and: fires while all of the alarms are in alarm. or: while at least one is.
                 * @default and
                 */
                operator?: ("and" | "or") | null;
                /**
                 * Alarms
                 * @description At least two.
                 */
                alarm_ids: string[];
            } | null;
            gnocchi_resources_threshold_rule?: {
                /**
                 * Metric
                 * @description Name of a metric, such as cpu.
                 */
                metric: string;
                /**
                 * Resource
                 * @description Id of the resource.
                 */
                resource_id: string;
                /**
                 * Resource type
                 * @description Type of the resource, such as instance.
                 */
                resource_type: string;
                /**
                 * Comparison
                 * @description How a datapoint is compared with the threshold.
                 * @default eq
                 */
                comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                /**
                 * Threshold
                 * @description A datapoint is outside the threshold if the comparison with this number is true.
                 */
                threshold: number;
                /**
                 * Aggregation method
                 * @description One of the archive policy, such as mean, max or rate:mean.
                 */
                aggregation_method: string;
                /**
                 * Periods
                 * @description Number of the last datapoints that are compared.
                 * @default 1
                 */
                evaluation_periods?: number | null;
                /**
                 * Granularity
                 * @description Time between two datapoints. The archive policy of the metric must have this granularity.
                 * @default 60
                 */
                granularity?: number | null;
            } | null;
            gnocchi_aggregation_by_metrics_threshold_rule?: {
                /**
                 * Metrics
                 * @description Ids of metrics.
                 */
                metrics: string[];
                /**
                 * Comparison
                 * @description How a datapoint is compared with the threshold.
                 * @default eq
                 */
                comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                /**
                 * Threshold
                 * @description A datapoint is outside the threshold if the comparison with this number is true.
                 */
                threshold: number;
                /**
                 * Aggregation method
                 * @description One of the archive policy, such as mean, max or rate:mean.
                 */
                aggregation_method: string;
                /**
                 * Periods
                 * @description Number of the last datapoints that are compared.
                 * @default 1
                 */
                evaluation_periods?: number | null;
                /**
                 * Granularity
                 * @description Time between two datapoints. The archive policy of the metric must have this granularity.
                 * @default 60
                 */
                granularity?: number | null;
            } | null;
            gnocchi_aggregation_by_resources_threshold_rule?: {
                /**
                 * Metric
                 * @description Name of a metric, such as cpu.
                 */
                metric: string;
                /**
                 * Query
                 * @description JSON that selects the resources, such as {"=": {"server_group": "web"}}. {} selects all.
                 */
                query: string;
                /**
                 * Resource type
                 * @description Type of the resource, such as instance.
                 */
                resource_type: string;
                /**
                 * Comparison
                 * @description How a datapoint is compared with the threshold.
                 * @default eq
                 */
                comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                /**
                 * Threshold
                 * @description A datapoint is outside the threshold if the comparison with this number is true.
                 */
                threshold: number;
                /**
                 * Aggregation method
                 * @description One of the archive policy, such as mean, max or rate:mean.
                 */
                aggregation_method: string;
                /**
                 * Periods
                 * @description Number of the last datapoints that are compared.
                 * @default 1
                 */
                evaluation_periods?: number | null;
                /**
                 * Granularity
                 * @description Time between two datapoints. The archive policy of the metric must have this granularity.
                 * @default 60
                 */
                granularity?: number | null;
            } | null;
            prometheus_rule?: {
                /**
                 * Comparison
                 * @description How a datapoint is compared with the threshold.
                 * @default eq
                 */
                comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                /**
                 * Threshold
                 * @description A datapoint is outside the threshold if the comparison with this number is true.
                 */
                threshold: number;
                /**
                 * Query
                 * @description In PromQL, without a comparison, such as rate(node_cpu_seconds_total[5m]).
                 */
                query: string;
                /**
                 * Periods
                 * @description Number of the last datapoints that are compared. Without it and a granularity: the present value.
                 */
                evaluation_periods?: number | null;
                /**
                 * Granularity
                 * @description Time between two datapoints of the series.
                 */
                granularity?: number | null;
            } | null;
            composite_rule?: components["schemas"]["CompositeNode"] | null;
            loadbalancer_member_health_rule?: {
                /**
                 * Pool
                 * @description Id of the pool in Octavia.
                 */
                pool_id: string;
                /**
                 * Stack
                 * @description Id of the stack in Heat.
                 */
                stack_id: string;
                /**
                 * Autoscaling group
                 * @description Id of the group whose servers are members of the pool.
                 */
                autoscaling_group_id: string;
            } | null;
            event_rule?: {
                /**
                 * Event type
                 * @description A shell pattern, such as compute.instance.*; * matches all.
                 * @default *
                 */
                event_type?: string | null;
                /**
                 * Conditions
                 * @description An event must meet all of them. Fields are traits.NAME, event_type, generated and others.
                 * @default []
                 */
                query?: {
                    /** Field */
                    field: string;
                    /**
                     * Comparison
                     * @default eq
                     */
                    op?: ("eq" | "ge" | "gt" | "le" | "lt" | "ne") | null;
                    /** Value */
                    value: string;
                    /**
                     * Type
                     * @description Type of the value. Empty: text.
                     * @default
                     */
                    type?: ("" | "integer" | "float" | "string" | "boolean" | "datetime") | null;
                }[] | null;
            } | null;
        };
        /** @description Transitions of the draft. Streamed; the summary comes last. */
        Backtest: {
            transitions: {
                at: string;
                /** @enum {string} */
                from: "ok" | "alarm" | "insufficient data";
                /** @enum {string} */
                to: "ok" | "alarm" | "insufficient data";
                reason: string;
                notifications: string[];
            }[];
            repeats: number;
            summary: {
                evaluations: number;
                time_in_state: {
                    ok: number;
                    alarm: number;
                    "insufficient data": number;
                };
                notifications: number;
                unanswered: number;
                unknown_reason: string | null;
                outside_time_constraints: number;
            };
        };
        /** @description Values that an alarm compares, evaluated by the code of the evaluators. */
        AlarmValues: {
            /** @description Null for a draft. */
            alarm_id: string | null;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            start: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            stop: string;
            step: number;
            /** @description When the alarm was created; null for a draft, or if it is not known. */
            created_at: string | null;
            /**
             * @description The state before the start.
             * @enum {string}
             */
            initial_state: "ok" | "alarm" | "insufficient data";
            series: {
                /** @description Labels in which the series differ; null for series without labels. */
                name: string | null;
                labels: {
                    [key: string]: string;
                } | null;
                /** @description rule1, rule2 and so on within a composite rule. */
                rule: string | null;
                /** @description Seconds; 0: a value of one moment. */
                granularity: number;
                comparison_operator: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                threshold: number | null;
                /** @description Compared instead of the threshold in state alarm. */
                clear_threshold: number | null;
                points: {
                    /**
                     * Format: date-time
                     * @description Moment of evaluation.
                     */
                    at: string;
                    /** @description Time of the datapoint. */
                    timestamp: string | null;
                    /** @description Null: no value was compared. Infinite values are texts. */
                    value: number | ("inf" | "-inf") | null;
                }[];
            }[];
            series_not_shown: number;
            /** @description As a backtest has them; null for event alarms. */
            states: {
                /** @enum {string} */
                state: "ok" | "alarm" | "insufficient data";
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                start: string;
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                stop: string;
            }[] | null;
            /** @description Outside the time constraints. */
            not_evaluated: {
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                start: string;
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                stop: string;
            }[];
            /** @description Number for transitions and repeats, as in a backtest. Null for combinations and event alarms. */
            notifications: number | null;
            /** @description Evaluations during which a backend was unavailable. */
            unanswered: number;
            /** @description Why the last evaluation without data had none. */
            unknown_reason: string | null;
            /** @description Members of a combination. A state of null: there is no such alarm. */
            members: {
                alarm_id: string;
                states: {
                    state: ("ok" | "alarm" | "insufficient data") | null;
                    /**
                     * Format: date-time
                     * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                     */
                    start: string;
                    /**
                     * Format: date-time
                     * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                     */
                    stop: string;
                }[];
            }[] | null;
            /** @description Events that matched an event alarm, newest first. */
            events: {
                message_id: string;
                event_type: string;
                generated: string | null;
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                received_at: string;
                event: {
                    [key: string]: unknown;
                };
            }[] | null;
            /** @description Later than start if there are many events. */
            events_searched_since: string | null;
            /** @description Changes of the stored alarm’s state; null for a draft. */
            transitions: {
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                at: string;
                /** @enum {string} */
                from: "ok" | "alarm" | "insufficient data";
                /** @enum {string} */
                to: "ok" | "alarm" | "insufficient data";
                reason: string | null;
            }[] | null;
            has_more_transitions: boolean;
        };
        /** @description In the order of the request, without alarms that the caller cannot see. */
        LatestValues: {
            values: {
                alarm_id: string;
                /**
                 * Format: date-time
                 * @description Moment of evaluation: at most one interval ago.
                 */
                at: string;
                /** @description Labels in which the series differs from the others. */
                name: string | null;
                /** @description rule1, rule2 and so on within a composite rule. */
                rule: string | null;
                granularity: number | null;
                comparison_operator: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                threshold: number | null;
                /** @description Compared instead of the threshold in state alarm. */
                clear_threshold: number | null;
                /** @description The threshold or clear threshold that counts now. */
                effective_threshold: number | null;
                timestamp: string | null;
                /** @description Null: no value was compared. Infinite values are texts. */
                value: number | ("inf" | "-inf") | null;
                /** @description True if the comparison holds. */
                outside: boolean | null;
                /** @description Number of series with a value; one of them is shown. */
                compared_series: number;
                /** @description Why a backend gave no answer. */
                error: string | null;
            }[];
        };
        ListedAlarms: {
            alarms: components["schemas"]["ListedAlarm"][];
            /** @description The cursor of the next page; null if there is none. */
            next: string | null;
        };
        /** @description An alarm as a table shows it. */
        ListedAlarm: {
            alarm_id: string;
            name: string;
            /** @enum {string} */
            type: "threshold" | "combination" | "gnocchi_resources_threshold" | "gnocchi_aggregation_by_metrics_threshold" | "gnocchi_aggregation_by_resources_threshold" | "prometheus" | "composite" | "loadbalancer_member_health" | "event";
            /** @enum {string} */
            severity: "low" | "moderate" | "critical";
            enabled: boolean;
            /** @description True for an imported alarm that is not activated: it runs no action. */
            muted: boolean;
            project_id: string | null;
            /** @enum {string} */
            state: "ok" | "alarm" | "insufficient data";
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            state_since: string;
            state_reason: string;
            /** @description When it fires, in words. */
            condition: string;
            /** @description Null unless one threshold counts. */
            comparison_operator: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
            threshold: number | null;
            /** @description Compared instead of the threshold in state alarm. */
            clear_threshold: number | null;
            /** @description The threshold or clear threshold that counts now. Latest values are compared with it. */
            effective_threshold: number | null;
            /** @description Outcome of the newest transition or repeat that has actions: of an action that failed or has not ended, if there is one. Null if no notification is stored. */
            last_notification: {
                notification_id: string;
                /** @enum {string} */
                kind: "transition" | "repeat";
                status: string;
                /**
                 * Format: date-time
                 * @description When it ended; when it was created, if it has not ended.
                 */
                at: string;
                /** @description Receiver: host and port of a URL, otherwise the scheme. */
                host: string;
                attempts: number;
                last_http_status: number | null;
                last_error: string | null;
            } | null;
            /** @description Silences that hold the alarm now, at most 10. */
            silences: {
                id: string;
                reason: string;
                owner: string;
                /**
                 * Format: date-time
                 * @description End of its present opening.
                 */
                ends_at: string;
            }[];
        };
        AlarmCounts: {
            total: number;
            by_state: {
                [key: string]: number;
            };
            by_type: {
                [key: string]: number;
            };
            by_severity: {
                [key: string]: number;
            };
            enabled: number;
            disabled: number;
            /** @description False if there are more than 100,000 alarms: not all are counted. */
            is_complete: boolean;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            counted_at: string;
        };
        /** @description JSON Schema 2020-12 of the body that creates an alarm. */
        AlarmSchema: {
            /** @constant */
            type: "object";
            /** @description Schemas of the fields by their names. */
            properties: {
                [key: string]: {
                    [key: string]: unknown;
                };
            };
            required: string[];
            /** @description Which types of alarms are of use here, for this caller. */
            "x-types": {
                threshold: components["schemas"]["AlarmTypeOffer"];
                combination: components["schemas"]["AlarmTypeOffer"];
                gnocchi_resources_threshold: components["schemas"]["AlarmTypeOffer"];
                gnocchi_aggregation_by_metrics_threshold: components["schemas"]["AlarmTypeOffer"];
                gnocchi_aggregation_by_resources_threshold: components["schemas"]["AlarmTypeOffer"];
                prometheus: components["schemas"]["AlarmTypeOffer"];
                composite: components["schemas"]["AlarmTypeOffer"];
                loadbalancer_member_health: components["schemas"]["AlarmTypeOffer"];
                event: components["schemas"]["AlarmTypeOffer"];
            };
        } & {
            [key: string]: unknown;
        };
        AlarmTypeOffer: {
            /** @description Whether the backend of such alarms is configured here. Without it an alarm can be created; it is evaluated once there is one. */
            configured: boolean;
            /** @description Whether the caller may create such alarms. */
            allowed: boolean;
            /** @description Why such alarms are not evaluated, or not allowed, with the option to set. Null if they are evaluated and allowed. */
            reason: string | null;
        };
        DraftTestFireRequest: {
            alarm: components["schemas"]["AlarmRequest"];
            confirm: string;
            /** @default alarm */
            state?: ("ok" | "alarm" | "insufficient data") | null;
            actions?: (number | string)[] | null;
        };
        TestFire: {
            /** @description Null for a draft. */
            alarm_id: string | null;
            /** @enum {string} */
            state: "ok" | "alarm" | "insufficient data";
            notifications: {
                notification_id: string;
                /** @description The action without secrets. */
                action: string;
                /** @description Receiver: host and port of a URL, otherwise the scheme. */
                host: string;
                /**
                 * @description delivered, or dead; cancelled if no notifier could send it in time; in_flight if the receiver has not answered yet.
                 * @enum {string}
                 */
                status: "pending" | "in_flight" | "delivered" | "dead" | "superseded" | "cancelled" | "silenced";
                /** @description Null without an answer in HTTP. */
                http_status: number | null;
                /** @description Class of the error; null if the action was delivered. */
                error: string | null;
                duration_ms: number | null;
                /** @description At most 1 KiB of the body of the answer, in printable characters. Only admins see it. */
                answer: string | null;
            }[];
        };
        TestFireRequest: {
            confirm: string;
            /** @default alarm */
            state?: ("ok" | "alarm" | "insufficient data") | null;
            actions?: (number | string)[] | null;
        };
        /** @description An alarm, with the one rule that belongs to its type. */
        Alarm: {
            alarm_id: string;
            name: string;
            description: string;
            enabled: boolean;
            ok_actions: string[] | null;
            alarm_actions: string[] | null;
            insufficient_data_actions: string[] | null;
            repeat_actions: boolean;
            /** @enum {string} */
            type: "threshold" | "combination" | "gnocchi_resources_threshold" | "gnocchi_aggregation_by_metrics_threshold" | "gnocchi_aggregation_by_resources_threshold" | "prometheus" | "composite" | "loadbalancer_member_health" | "event";
            time_constraints: {
                name: string;
                description: string;
                start: string;
                duration: number;
                timezone: string;
            }[];
            project_id: string | null;
            user_id: string | null;
            /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
            timestamp: string;
            /** @enum {string} */
            state: "ok" | "alarm" | "insufficient data";
            /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
            state_timestamp: string;
            state_reason: string;
            /** @enum {string} */
            severity: "low" | "moderate" | "critical";
            /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
            evaluate_timestamp: string;
            /**
             * Threshold on built-in meters
             * @description Compares a statistic of the samples of a meter in the built-in store with a threshold.
             */
            threshold_rule?: {
                /**
                 * Period
                 * @description Length of the period whose samples become one datapoint.
                 * @default 60
                 */
                period?: number | null;
                /**
                 * Comparison
                 * @description How a datapoint is compared with the threshold.
                 * @default eq
                 */
                comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                /**
                 * Threshold
                 * @description A datapoint is outside the threshold if the comparison with this number is true.
                 */
                threshold?: number;
                /**
                 * Statistic
                 * @description How the samples of a period become one datapoint.
                 * @default avg
                 */
                statistic?: ("max" | "min" | "avg" | "sum" | "count") | null;
                /**
                 * Periods
                 * @description Number of the last datapoints that are compared.
                 * @default 1
                 */
                evaluation_periods?: number | null;
                /**
                 * Meter
                 * @description Name of a meter, such as cpu_util.
                 */
                meter_name?: string;
                /**
                 * Exclude outliers
                 * @description Leave out periods with far fewer or far more samples than the others.
                 * @default false
                 */
                exclude_outliers?: boolean | null;
                /**
                 * Conditions
                 * @description A sample must meet all of them. Fields are resource_id, user_id, metadata.NAME and others.
                 * @default []
                 */
                query?: {
                    /** Field */
                    field: string;
                    /**
                     * Comparison
                     * @default eq
                     */
                    op?: "eq" | null;
                    /** Value */
                    value: string;
                    /**
                     * Type
                     * @description Type of the value. Empty: text.
                     * @default
                     */
                    type?: ("" | "integer" | "float" | "string" | "boolean" | "datetime") | null;
                }[] | null;
            };
            /**
             * Combination
             * @description Follows the states of other alarms.
             */
            combination_rule?: {
                /**
                 * Operator
                 * @description and: fires while all of the alarms are in alarm. or: while at least one is.
                 * @default and
                 */
                operator?: ("and" | "or") | null;
                /**
                 * Alarms
                 * @description At least two.
                 */
                alarm_ids?: string[];
            };
            /**
             * Gnocchi: one resource
             * @description Compares a metric of one resource with a threshold.
             */
            gnocchi_resources_threshold_rule?: {
                /**
                 * Metric
                 * @description Name of a metric, such as cpu.
                 */
                metric?: string;
                /**
                 * Resource
                 * @description Id of the resource.
                 */
                resource_id?: string;
                /**
                 * Resource type
                 * @description Type of the resource, such as instance.
                 */
                resource_type?: string;
                /**
                 * Comparison
                 * @description How a datapoint is compared with the threshold.
                 * @default eq
                 */
                comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                /**
                 * Threshold
                 * @description A datapoint is outside the threshold if the comparison with this number is true.
                 */
                threshold?: number;
                /**
                 * Aggregation method
                 * @description One of the archive policy, such as mean, max or rate:mean.
                 */
                aggregation_method?: string;
                /**
                 * Periods
                 * @description Number of the last datapoints that are compared.
                 * @default 1
                 */
                evaluation_periods?: number | null;
                /**
                 * Granularity
                 * @description Time between two datapoints. The archive policy of the metric must have this granularity.
                 * @default 60
                 */
                granularity?: number | null;
            };
            /**
             * Gnocchi: several metrics
             * @description Compares an aggregate over metrics that you name with a threshold.
             */
            gnocchi_aggregation_by_metrics_threshold_rule?: {
                /**
                 * Metrics
                 * @description Ids of metrics.
                 */
                metrics?: string[];
                /**
                 * Comparison
                 * @description How a datapoint is compared with the threshold.
                 * @default eq
                 */
                comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                /**
                 * Threshold
                 * @description A datapoint is outside the threshold if the comparison with this number is true.
                 */
                threshold?: number;
                /**
                 * Aggregation method
                 * @description One of the archive policy, such as mean, max or rate:mean.
                 */
                aggregation_method?: string;
                /**
                 * Periods
                 * @description Number of the last datapoints that are compared.
                 * @default 1
                 */
                evaluation_periods?: number | null;
                /**
                 * Granularity
                 * @description Time between two datapoints. The archive policy of the metric must have this granularity.
                 * @default 60
                 */
                granularity?: number | null;
            };
            /**
             * Gnocchi: resources of a query
             * @description Compares an aggregate over all resources that a query selects with a threshold.
             */
            gnocchi_aggregation_by_resources_threshold_rule?: {
                /**
                 * Metric
                 * @description Name of a metric, such as cpu.
                 */
                metric?: string;
                /**
                 * Query
                 * @description JSON that selects the resources, such as {"=": {"server_group": "web"}}. {} selects all.
                 */
                query?: string;
                /**
                 * Resource type
                 * @description Type of the resource, such as instance.
                 */
                resource_type?: string;
                /**
                 * Comparison
                 * @description How a datapoint is compared with the threshold.
                 * @default eq
                 */
                comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                /**
                 * Threshold
                 * @description A datapoint is outside the threshold if the comparison with this number is true.
                 */
                threshold?: number;
                /**
                 * Aggregation method
                 * @description One of the archive policy, such as mean, max or rate:mean.
                 */
                aggregation_method?: string;
                /**
                 * Periods
                 * @description Number of the last datapoints that are compared.
                 * @default 1
                 */
                evaluation_periods?: number | null;
                /**
                 * Granularity
                 * @description Time between two datapoints. The archive policy of the metric must have this granularity.
                 * @default 60
                 */
                granularity?: number | null;
            };
            /**
             * Prometheus
             * @description Compares each series of a PromQL query with a threshold.
             */
            prometheus_rule?: {
                /**
                 * Comparison
                 * @description How a datapoint is compared with the threshold.
                 * @default eq
                 */
                comparison_operator?: ("lt" | "le" | "eq" | "ne" | "ge" | "gt") | null;
                /**
                 * Threshold
                 * @description A datapoint is outside the threshold if the comparison with this number is true.
                 */
                threshold?: number;
                /**
                 * Query
                 * @description In PromQL, without a comparison, such as rate(node_cpu_seconds_total[5m]).
                 */
                query?: string;
                /**
                 * Periods
                 * @description Number of the last datapoints that are compared. Without it and a granularity: the present value.
                 */
                evaluation_periods?: number | null;
                /**
                 * Granularity
                 * @description Time between two datapoints of the series.
                 */
                granularity?: number | null;
            };
            /**
             * Composite
             * @description Combines rules on Gnocchi and Prometheus by "and" and "or".
             */
            composite_rule?: components["schemas"]["CompositeNode"];
            /**
             * Load balancer
             * @description Fires while a member of a pool in Octavia is unhealthy.
             */
            loadbalancer_member_health_rule?: {
                /**
                 * Pool
                 * @description Id of the pool in Octavia.
                 */
                pool_id?: string;
                /**
                 * Stack
                 * @description Id of the stack in Heat.
                 */
                stack_id?: string;
                /**
                 * Autoscaling group
                 * @description Id of the group whose servers are members of the pool.
                 */
                autoscaling_group_id?: string;
            };
            /**
             * Event
             * @description Fires on each event that matches.
             */
            event_rule?: {
                /**
                 * Event type
                 * @description A shell pattern, such as compute.instance.*; * matches all.
                 * @default *
                 */
                event_type?: string | null;
                /**
                 * Conditions
                 * @description An event must meet all of them. Fields are traits.NAME, event_type, generated and others.
                 * @default []
                 */
                query?: {
                    /** Field */
                    field: string;
                    /**
                     * Comparison
                     * @default eq
                     */
                    op?: ("eq" | "ge" | "gt" | "le" | "lt" | "ne") | null;
                    /** Value */
                    value: string;
                    /**
                     * Type
                     * @description Type of the value. Empty: text.
                     * @default
                     */
                    type?: ("" | "integer" | "float" | "string" | "boolean" | "datetime") | null;
                }[] | null;
            };
            /** @description Options that Aodh does not have. Absent if none is set. */
            tocsin?: {
                /**
                 * @description Whether a notification is delivered after a newer transition: every or current. Default: every for event alarms, otherwise notifier.policy.
                 * @enum {string}
                 */
                delivery_policy?: "current" | "every";
                /** @description Number of datapoints, among the last evaluation_periods ones, that must be outside the threshold for the state alarm. */
                datapoints_to_alarm?: number;
                /**
                 * @description State that a missing datapoint counts as; ignore: the alarm keeps its state.
                 * @enum {string}
                 */
                treat_missing_data?: "missing" | "ok" | "alarm" | "ignore";
                /** @description Threshold while the alarm is in state alarm, for hysteresis. */
                clear_threshold?: number;
                /** @description Seconds between the end of the window and the evaluation, for data that arrives late. */
                ingestion_lag?: number;
                /** @description Name of a configured backend. Default: the one without a name. */
                backend?: string;
                /**
                 * @description The alarm is evaluated and its actions are not run.
                 * @constant
                 */
                muted?: true;
            };
        };
        /** @description A trial evaluation of an alarm, by the code of the evaluators. */
        Explanation: {
            alarm_id: string;
            name: string;
            /** @enum {string} */
            type: "threshold" | "combination" | "gnocchi_resources_threshold" | "gnocchi_aggregation_by_metrics_threshold" | "gnocchi_aggregation_by_resources_threshold" | "prometheus" | "composite" | "loadbalancer_member_health" | "event";
            at: string;
            summary: string;
            notes: string[];
            /** @enum {string} */
            state: "ok" | "alarm" | "insufficient data";
            state_reason: string;
            state_timestamp: string;
            state_at: {
                /** @enum {string} */
                state: "ok" | "alarm" | "insufficient data";
                since: string | null;
                reason: string | null;
                /** @enum {string} */
                known_from: "the alarm" | "its history";
            };
            evaluation: {
                /** @description Result of the evaluation; null if the alarm cannot be evaluated. hold and trouble (backend unavailable) change no state. */
                verdict: ("ok" | "alarm" | "insufficient data" | "trending ok" | "trending alarm" | "hold" | "trouble") | null;
                /** @enum {string} */
                would_be_state: "ok" | "alarm" | "insufficient data";
                /** @enum {string} */
                decision: "stay" | "transition" | "repeat";
                reason: string;
            };
            /** @enum {string} */
            judged_by: "series" | "members" | "events";
            options: {
                datapoints_to_alarm?: number;
                /** @enum {string} */
                treat_missing_data?: "missing" | "ok" | "alarm" | "ignore";
                clear_threshold?: number;
                ingestion_lag?: number;
                backend?: string;
            };
            questions: {
                rule: {
                    name: string;
                    /** @enum {string} */
                    type: "threshold" | "combination" | "gnocchi_resources_threshold" | "gnocchi_aggregation_by_metrics_threshold" | "gnocchi_aggregation_by_resources_threshold" | "prometheus" | "composite" | "loadbalancer_member_health" | "event";
                    /** @description Result of the evaluation; null if the alarm cannot be evaluated. hold and trouble (backend unavailable) change no state. */
                    verdict: ("ok" | "alarm" | "insufficient data" | "trending ok" | "trending alarm" | "hold" | "trouble") | null;
                    options: {
                        datapoints_to_alarm?: number;
                        /** @enum {string} */
                        treat_missing_data?: "missing" | "ok" | "alarm" | "ignore";
                        clear_threshold?: number;
                        ingestion_lag?: number;
                        backend?: string;
                    };
                } | null;
                backend: {
                    kind: string;
                    name: string | null;
                    configured: boolean;
                    reachable: boolean | null;
                    trouble: string | null;
                };
                window: {
                    start: string;
                    stop: string;
                    granularity: number;
                    evaluation_periods: number;
                    ingestion_lag: number;
                };
                /** @description Requests to the backend, without hosts and credentials. */
                requests: string[];
                refusal: string | null;
                condition: {
                    /** @enum {string} */
                    comparison_operator: "lt" | "le" | "eq" | "ne" | "ge" | "gt";
                    threshold: number;
                    effective_threshold: number;
                } | null;
                compared: number;
                outside: number;
                /** @description Series of Prometheus; null for other backends. */
                series: {
                    /** @description Number of the series. Its datapoints have it too. */
                    series: number;
                    /** @description Labels from Prometheus. */
                    labels: {
                        [key: string]: string;
                    };
                    /** @description Number of labels that are too long to show. */
                    labels_not_shown?: number;
                    /** @description Result of this series alone; null if it has no datapoint to compare. */
                    verdict: ("ok" | "alarm" | "insufficient data" | "trending ok" | "trending alarm" | "hold" | "trouble") | null;
                    compared: number;
                    outside: number;
                }[] | null;
                /** @description Number of series left out. Series in alarm are shown first. */
                series_not_shown: number;
                datapoints: {
                    timestamp: string | null;
                    value: number | string | null;
                    /** @description Number of its series, if the answer has several. */
                    series?: number;
                    used: boolean;
                    /** @description Reason why it was not compared. */
                    why?: string;
                    comparison?: string;
                    /** @description True if the comparison holds. */
                    outside?: boolean;
                }[];
                datapoints_not_shown: number;
                pool_members: {
                    id: string | null;
                    name: string | null;
                    operating_status: string | null;
                    admin_state_up: boolean | null;
                    created_at: string | null;
                    unhealthy: boolean;
                }[] | null;
            }[];
            time_constraints: {
                within: boolean;
                constraints: {
                    name: string;
                    description: string;
                    start: string;
                    duration: number;
                    timezone: string;
                    holds: boolean;
                }[];
            };
            members: {
                alarm_id: string;
                state: ("ok" | "alarm" | "insufficient data") | null;
            }[] | null;
            last_firing: {
                timestamp: string;
                reason: string;
            } | null;
            /** @description Silences that hold the alarm now; none for a past moment. */
            silences: {
                id: string;
                reason: string;
                owner: string;
                /** @description End of its present opening. */
                ends_at: string;
            }[];
            evaluation_schedule: {
                enabled: boolean;
                muted: boolean;
                interval: number;
                partition: number | null;
                /** @description Evaluator that owns the partition of the alarm; null while there is none. */
                owner: string | null;
                epoch: number | null;
                last_evaluated_at: string | null;
                /** @description Seconds by which the evaluation is late because of too many requests to the backend; null if it is on time. */
                behind: number | null;
                next_evaluation_at: string | null;
            };
        };
        /** @enum {string} */
        AlarmState: "ok" | "alarm" | "insufficient data";
        /** @description One entry of an alarm’s history. */
        AlarmChange: {
            event_id: string;
            alarm_id: string;
            /** @enum {string} */
            type: "creation" | "rule change" | "state transition" | "deletion";
            /** @description JSON as text: the changed fields, or the complete alarm at its creation. */
            detail: string;
            project_id: string | null;
            user_id: string | null;
            on_behalf_of: string | null;
            /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
            timestamp: string;
        };
        Transitions: {
            transitions: components["schemas"]["Transition"][];
            /** @description The cursor of the next page; null if there is none. A page can be empty although another one follows. */
            next: string | null;
        };
        Transition: {
            /** @description Id of the entry in the history of the alarm. */
            event_id: string;
            alarm_id: string;
            /** @description The present name; null if the alarm was deleted some time ago, or has moved to another project. */
            alarm_name: string | null;
            type: ("threshold" | "combination" | "gnocchi_resources_threshold" | "gnocchi_aggregation_by_metrics_threshold" | "gnocchi_aggregation_by_resources_threshold" | "prometheus" | "composite" | "loadbalancer_member_health" | "event") | null;
            severity: ("low" | "moderate" | "critical") | null;
            project_id: string | null;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            at: string;
            from: ("ok" | "alarm" | "insufficient data") | null;
            /** @enum {string} */
            to: "ok" | "alarm" | "insufficient data";
            reason: string | null;
            state_version: number | null;
            /** @description Always null, for later use: alarms have one state, that of all their series. */
            series: string | null;
            /** @description Who set the state; null for an evaluation or an event. */
            user_id: string | null;
        };
        Sample: {
            source: string;
            counter_name: string;
            counter_type: string;
            counter_unit: string;
            counter_volume: number;
            user_id: string | null;
            project_id: string | null;
            resource_id: string;
            /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
            timestamp: string;
            /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
            recorded_at: string;
            resource_metadata: {
                [key: string]: unknown;
            };
            message_id: string;
        };
        Resource: {
            resource_id: string;
            project_id: string | null;
            user_id: string | null;
            source: string;
            /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
            first_sample_timestamp: string;
            /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
            last_sample_timestamp: string;
            metadata: {
                [key: string]: unknown;
            };
            links: {
                href: string;
                rel: string;
            }[];
        };
        ListedMeters: {
            meters: components["schemas"]["ListedMeter"][];
            /** @description The cursor of the next page; null if there is none. A page can be empty although another one follows. */
            next: string | null;
        };
        ListedMeter: {
            name: string;
            /** @description The type of the newest sample: gauge, delta or cumulative. */
            type: string;
            /** @description The unit of the newest sample. */
            unit: string;
            /** @description Resources that have the meter; at most 1,000 are counted. */
            resources: number;
            /** @description False if not all resources were counted. Type, unit and time are then those of the counted ones. */
            is_complete: boolean;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            last_sample_at: string;
        };
        ListedResources: {
            resources: components["schemas"]["ListedResource"][];
            /** @description The cursor of the next page; null if there is none. A page can be empty although another one follows. */
            next: string | null;
        };
        ListedResource: {
            resource_id: string;
            project_id: string | null;
            /** @description The user of the newest sample. */
            user_id: string | null;
            source: string;
            /** @description The names of its meters that match; the first 20. */
            meters: string[];
            /** @description Meters that match the filter. */
            meter_count: number;
            /** @description False if it has more meters than were counted. */
            is_complete: boolean;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            last_sample_at: string;
        };
        ReplayPreview: {
            /** @description Number of notifications that would be sent again. */
            notifications: number;
            /** @description Number that would be left out, since an edit has removed their action. */
            removed: number;
            /** @description False if there may be more: at most 10,000 are counted, and at most 50,000 of the status are read. */
            is_complete: boolean;
            /** @description At most 100, those with the most notifications first. */
            receivers: {
                host: string;
                notifications: number;
            }[];
            /**
             * Format: date-time
             * @description Only notifications that ended before this time are counted. Send the replay with it.
             */
            ended_before: string;
        };
        /** @description Delivery of one change of state, of a test or of a heartbeat to one action. */
        Notification: {
            notification_id: string;
            /** @description Empty for a heartbeat of the service. */
            alarm_id: string;
            /** @description Name of the alarm when the notification was created. */
            alarm_name: string | null;
            project_id: string | null;
            /** @enum {string} */
            kind: "transition" | "repeat" | "test" | "heartbeat";
            sequence: number;
            /** @description Always null, for later use: alarms have one state, that of all their series. */
            series: string | null;
            /**
             * Format: date-time
             * @description Time of the change of state; for a repeat, of the change that is repeated; for a test or a heartbeat, of its creation.
             */
            transition_time: string;
            /** @description The action without secrets: no user info, no values in the query, no fragment, no tokens in the path of chat webhooks. */
            action: string;
            /** @description Receiver: host and port of a URL, otherwise the scheme. */
            host: string;
            status: string;
            attempts: number;
            next_attempt_at: string | null;
            /** @description HTTP status of the last attempt; null without an answer. */
            last_http_status: number | null;
            last_error: string | null;
            /** @description The silence that holds it, or that held it before it was sent; null if none did. */
            silence_id: string | null;
            /**
             * Format: date-time
             * @description When it began to wait; after a silence, when it was released.
             */
            created_at: string;
            finished_at: string | null;
            /** @description Body of the delivery, byte for byte. */
            body: {
                [key: string]: unknown;
            };
        };
        CountsByReceiver: {
            /** @description Those with the most failing notifications first. */
            receivers: components["schemas"]["ReceiverCounts"][];
            /** @description Number of receivers found; the list ends at the limit. */
            total: number;
            /** @description False if only the first 100,000 notifications were read: receivers may be missing. */
            is_complete: boolean;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            counted_at: string;
        };
        ReceiverCounts: {
            /** @description Host and port of a URL, otherwise the scheme. */
            host: string;
            /** @description Notifications that wait, with the failing ones. */
            pending: number;
            /** @description Notifications that wait after a failed attempt. */
            failing: number;
            /** @description Notifications that are sent at this moment. */
            in_flight: number;
            dead: number;
            /** @description Since when the oldest pending notification waits. */
            oldest_pending_at: string | null;
            /** @description Error of the newest failing notification, otherwise of the newest dead one; of the project with the most. */
            last_error: string | null;
            last_http_status: number | null;
            /** @description Number of projects with such notifications. */
            projects: number;
            /** @description False if the receiver has more notifications than the 10,000 that are counted. */
            is_complete: boolean;
        };
        NotificationWithAttempts: {
            notification_id: string;
            /** @description Empty for a heartbeat of the service. */
            alarm_id: string;
            /** @description Name of the alarm when the notification was created. */
            alarm_name: string | null;
            project_id: string | null;
            /** @enum {string} */
            kind: "transition" | "repeat" | "test" | "heartbeat";
            sequence: number;
            /** @description Always null, for later use: alarms have one state, that of all their series. */
            series: string | null;
            /**
             * Format: date-time
             * @description Time of the change of state; for a repeat, of the change that is repeated; for a test or a heartbeat, of its creation.
             */
            transition_time: string;
            /** @description The action without secrets: no user info, no values in the query, no fragment, no tokens in the path of chat webhooks. */
            action: string;
            /** @description Receiver: host and port of a URL, otherwise the scheme. */
            host: string;
            status: string;
            attempts: number;
            next_attempt_at: string | null;
            /** @description HTTP status of the last attempt; null without an answer. */
            last_http_status: number | null;
            last_error: string | null;
            /** @description The silence that holds it, or that held it before it was sent; null if none did. */
            silence_id: string | null;
            /**
             * Format: date-time
             * @description When it began to wait; after a silence, when it was released.
             */
            created_at: string;
            finished_at: string | null;
            /** @description Body of the delivery, byte for byte. */
            body: {
                [key: string]: unknown;
            };
            /** @description All attempts so far, oldest first. */
            attempt_list: {
                attempt: number;
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                started_at: string;
                duration_ms: number;
                outcome: string;
                http_status: number | null;
                error: string | null;
                /** @description At most 1 KiB of the answer to a test. Only admins see it; null for all other notifications. */
                answer: string | null;
            }[];
        };
        DeliveryPause: {
            project_id: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            paused_at: string;
            /** @description When the pause ends by itself; null if it does not. */
            ends_at: string | null;
            reason: string | null;
            /** @description Id of the user who paused deliveries last; null if unknown. */
            paused_by: string | null;
            /** @description End of the hour in which only repeats wait, since the project has reached its hourly limit; null for a pause. */
            until: string | null;
        };
        PauseRequest: {
            /** @description ISO 8601; UTC where it names no offset. */
            ends_at?: string | null;
            reason?: string | null;
        };
        /** @description Data of one server-sent event. */
        StreamEvent: {
            alarm_id: string;
            /** @description Null if the alarm is gone, as are type and severity. */
            alarm_name: string | null;
            project_id: string | null;
            type: string | null;
            severity: ("low" | "moderate" | "critical") | null;
            /** @description Id of the entry in the history. */
            event_id: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            time: string;
            previous_state: ("ok" | "alarm" | "insufficient data") | null;
            state: ("ok" | "alarm" | "insufficient data") | null;
            reason: string | null;
            /** @description Always null, for later use: alarms have one state, that of all their series. */
            series: string | null;
        } | {
            alarm_id: string;
            /** @description Null if the alarm is gone, as are type and severity. */
            alarm_name: string | null;
            project_id: string | null;
            type: string | null;
            severity: ("low" | "moderate" | "critical") | null;
            /** @description Id of the entry in the history. */
            event_id: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            time: string;
            /** @enum {string} */
            change: "creation" | "rule change" | "deletion";
            /** @description The present state of the alarm. */
            state: ("ok" | "alarm" | "insufficient data") | null;
            /** @description Always null, for later use: alarms have one state, that of all their series. */
            series: string | null;
        } | {
            alarm_id: string;
            /** @description Null if the alarm is gone, as are type and severity. */
            alarm_name: string | null;
            project_id: string | null;
            type: string | null;
            severity: ("low" | "moderate" | "critical") | null;
            notification_id: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            time: string;
            /** @description transition or repeat. */
            kind: string | null;
            /** @description delivered, dead, superseded, silenced or cancelled. */
            status: string;
            /** @description The state that the notification tells. */
            state: ("ok" | "alarm" | "insufficient data") | null;
            host: string | null;
            attempts: number | null;
            error: string | null;
            /** @description Always null, for later use: alarms have one state, that of all their series. */
            series: string | null;
        } | {
            silence_id: string;
            project_id: string | null;
            all_projects: boolean;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            time: string;
            /** @description created, changed or ended. */
            change: string;
            /** @description Always null, for later use: alarms have one state, that of all their series. */
            series: string | null;
        } | {
            /** @description Its project; `*` for a pause of all projects. */
            project_id: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            time: string;
            /** @description begun, changed or ended. */
            change: string;
            /** @description Always null, for later use: alarms have one state, that of all their series. */
            series: string | null;
        } | {
            reason: string;
        };
        Silences: {
            /** @description Can be empty although another page follows. */
            silences: components["schemas"]["Silence"][];
            /** @description The cursor of the next page; null if there is none. */
            next: string | null;
        };
        /** @description Holds the notifications of the alarms that it matches, for a time. */
        Silence: {
            id: string;
            /**
             * @description active: it holds notifications now; planned: it will later, also between two openings.
             * @enum {string}
             */
            status: "active" | "planned" | "ended";
            /** @description The projects whose alarms it holds, of those that the caller may see; null for all projects. */
            project_ids: string[] | null;
            all_projects: boolean;
            /** @description An alarm is held if all of them match. The value of name is a shell pattern. */
            matchers: {
                /** @enum {string} */
                field: "alarm_id" | "name" | "type" | "severity";
                value: string;
            }[];
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            starts_at: string;
            /** @description Null: it recurs without a last day. */
            ends_at: string | null;
            /** @description It holds alarms for duration seconds from each time of the cron expression; null: always. */
            recurrence: {
                cron: string;
                duration: number;
                timezone: string;
            } | null;
            /** @description The present span of time in which it holds alarms, or the next one; null if there is none. */
            opening: {
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                starts_at: string;
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                ends_at: string;
            } | null;
            reason: string;
            /** @description The person or team that answers for it. */
            owner: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            created_at: string;
            /** @description When a user ended it before its time; null if none did. */
            ended_at: string | null;
            /** @description True if the caller may change and end it. */
            may_change: boolean;
        };
        SilencePreview: {
            /** @description Number of alarms that it would hold. */
            count: number;
            /** @description The first 100 of them, newest first. */
            alarms: {
                alarm_id: string;
                name: string;
                type: string;
                /** @enum {string} */
                severity: "low" | "moderate" | "critical";
                project_id: string | null;
                /** @enum {string} */
                state: "ok" | "alarm" | "insufficient data";
            }[];
            /** @description Number of their notifications that wait already. They are sent nevertheless. */
            waiting_notifications: number;
        };
        SilenceWithChanges: {
            id: string;
            /**
             * @description active: it holds notifications now; planned: it will later, also between two openings.
             * @enum {string}
             */
            status: "active" | "planned" | "ended";
            /** @description The projects whose alarms it holds, of those that the caller may see; null for all projects. */
            project_ids: string[] | null;
            all_projects: boolean;
            /** @description An alarm is held if all of them match. The value of name is a shell pattern. */
            matchers: {
                /** @enum {string} */
                field: "alarm_id" | "name" | "type" | "severity";
                value: string;
            }[];
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            starts_at: string;
            /** @description Null: it recurs without a last day. */
            ends_at: string | null;
            /** @description It holds alarms for duration seconds from each time of the cron expression; null: always. */
            recurrence: {
                cron: string;
                duration: number;
                timezone: string;
            } | null;
            /** @description The present span of time in which it holds alarms, or the next one; null if there is none. */
            opening: {
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                starts_at: string;
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                ends_at: string;
            } | null;
            reason: string;
            /** @description The person or team that answers for it. */
            owner: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            created_at: string;
            /** @description When a user ended it before its time; null if none did. */
            ended_at: string | null;
            /** @description True if the caller may change and end it. */
            may_change: boolean;
            /** @description Oldest first; the last 100. */
            changes: {
                /** @enum {string} */
                kind: "created" | "changed" | "ended";
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                at: string;
                user_id: string | null;
                /** @description The project of the user. */
                project_id: string | null;
                /** @description Names of changed fields. */
                changed: string[];
            }[];
        };
        Receivers: {
            receivers: components["schemas"]["Receiver"][];
            /** @description The cursor of the next page; null if there is none. */
            next: string | null;
        };
        /** @description The record of a project about its webhooks to one origin. */
        Receiver: {
            id: string;
            project_id: string;
            /** @description Scheme, host and port as parsed: lower case, without the default port; * for all receivers. */
            origin: string;
            name: string;
            description: string;
            /** @description Names of the headers that webhooks to this receiver have. Their values are never shown. */
            header_names: string[];
            /** @description Those that sign now, newest first. Without any, those of the receiver * of the project sign. */
            secrets: components["schemas"]["SigningSecret"][];
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            created_at: string;
        };
        /** @description A secret that signs webhooks. It is shown when it is made, and never again. */
        SigningSecret: {
            id: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            created_at: string;
            /** @description Null: it signs until it is replaced or ended. */
            ends_at: string | null;
        };
        Cluster: {
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            at: string;
            /** @description What evaluators share their work by: redis; database, while an evaluator does without Redis; single, for one evaluator. Null without an evaluator. */
            coordination: ("redis" | "database" | "single") | null;
            processes: {
                process_id: string;
                roles: string[];
                version: string;
                /** @description Name of the machine. */
                host: string;
                pid: number;
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                started_at: string;
                /** @description Time since its start. */
                age_ms: number;
                /** @description Time since its last report. It reports every 10 seconds. */
                silent_ms: number;
                /** @description Owner of partitions; null without the role evaluator. */
                member_id: string | null;
                coordination: ("redis" | "database" | "single") | null;
                partitions: number;
                /** @description Partitions whose alarms are in its memory. The alarms of the others are not evaluated yet. */
                loaded_partitions: number;
            }[];
            partitions: {
                partition: number;
                epoch: number;
                /** @description The member_id of a process; null if no evaluator owns it. */
                owner: string | null;
                /** @description False while the owner loads the alarms, and without an owner. */
                loaded: boolean;
                last_evaluated_at: string | null;
                late_alarms: number;
            }[];
            unowned_partitions: number;
            lateness: {
                /** @description Alarms that are due and not evaluated. */
                late_alarms: number;
                longest_ms: number;
                /** @description The last evaluation of the partition that waits longest; null if none was evaluated. */
                oldest_evaluation_at: string | null;
            };
            /** @description Backends that evaluators have sent requests to. */
            backends: {
                /** @description Kind, and name if it has one. */
                backend: string;
                /** @description False if an evaluator finds it unavailable. */
                up: boolean;
                /**
                 * Format: date-time
                 * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                 */
                since: string;
                reason: string | null;
                evaluators_up: number;
                evaluators_down: number;
            }[];
            outbox: {
                /** @description Notifications that are pending or in flight. */
                open: number;
                /** @description Those that can be sent now. */
                due: number;
                /** @description Those that are due, with nothing in flight to their receiver. */
                stalled: number;
                dead: number;
                oldest_due_at: string | null;
            };
        };
        AuditEntry: {
            id: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            at: string;
            /** @description Type of the object and verb, such as alarm.create. */
            action: string;
            /** @enum {string} */
            outcome: "done" | "refused" | "denied" | "failed" | "unknown";
            /** @description HTTP status of the answer; null outside of the API. */
            status: number | null;
            /** @description Number of alike requests that the entry stands for. */
            count: number;
            request_id: string | null;
            /** @description Project of the object, otherwise of the actor; *: all projects. */
            project_id: string | null;
            object_id: string | null;
            /** @description Names of changed fields. */
            changed: string[] | null;
            actor: {
                user_id: string | null;
                project_id: string | null;
                roles: string[];
                api_key_id: string | null;
                /** @description True for an API key that is valid for all projects. */
                all_projects_key: boolean;
                /** @description Shown to admins, and to the project of the actor. */
                address: string | null;
            };
        };
        ApiKey: {
            id: string;
            project_id: string;
            user_id: string;
            /** @enum {string} */
            role: "reader" | "member" | "admin";
            all_projects: boolean;
            description: string;
            created_by: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
             */
            created_at: string;
            expires_at: string | null;
            revoked_at: string | null;
            last_used_at: string | null;
        };
        Session: {
            /** @enum {string} */
            auth_mode: "noauth" | "apikey" | "keystone" | "keystone+apikey";
            user_id: string | null;
            /** @description Null if the credential has only the id of the user. */
            user_name: string | null;
            project_id: string | null;
            project_name: string | null;
            /** @description The highest role. Each role includes those before it. */
            role: ("reader" | "member" | "admin") | null;
            /** @description True for an admin of all projects. */
            all_projects: boolean;
            api_key_id: string | null;
            /** @description False if the request has credentials of its own, and in noauth. */
            has_session: boolean;
            /** @description When the session or the credential ends; null: never. */
            ends_at: string | null;
        };
        /** @description The same bytes on every attempt and replay. */
        WebhookBody: {
            alarm_name: string;
            alarm_id: string;
            /** @enum {string} */
            severity: "low" | "moderate" | "critical";
            /** @enum {string} */
            previous: "ok" | "alarm" | "insufficient data";
            /**
             * @description The same as previous if actions are repeated.
             * @enum {string}
             */
            current: "ok" | "alarm" | "insufficient data";
            reason: string;
            reason_data: {
                /** @constant */
                type: "threshold";
                /** @enum {string} */
                disposition: "inside" | "outside" | "unknown";
                /** @description Number of datapoints that are inside or outside, or unknown. */
                count: number;
                most_recent: number | null;
                /** @description The series that the state is due to, each with its newest compared value (null: none, or infinite), in the order of the answer: at most 20, and 4 KiB of JSON. Only of Prometheus, whose series have labels. */
                series?: {
                    labels: {
                        [key: string]: string;
                    };
                    value: number | null;
                }[];
                /** @description Number of these series, with those that are left out of the list. */
                series_total?: number;
                /** @description Address of the alarm in the console. Only if the service knows its own address (api.public_url). */
                link?: string;
            } | {
                /** @constant */
                type: "composite";
                composition_form: string;
                /** @description Rules in that state: rule1, rule2 and so on. */
                causative_rules: {
                    [key: string]: {
                        [key: string]: unknown;
                    };
                };
                /** @description The series that the state is due to, each with its newest compared value (null: none, or infinite), in the order of the answer: at most 20, and 4 KiB of JSON. Only of Prometheus, whose series have labels. */
                series?: {
                    labels: {
                        [key: string]: string;
                    };
                    value: number | null;
                }[];
                /** @description Number of these series, with those that are left out of the list. */
                series_total?: number;
                /** @description Address of the alarm in the console. Only if the service knows its own address (api.public_url). */
                link?: string;
            } | {
                /** @constant */
                type: "combination";
                alarm_ids: string[];
                /** @description Address of the alarm in the console. Only if the service knows its own address (api.public_url). */
                link?: string;
            } | {
                /** @constant */
                type: "event";
                /** @description The event as it was sent to POST /v2/events. */
                event: {
                    [key: string]: unknown;
                };
                /** @description Address of the alarm in the console. Only if the service knows its own address (api.public_url). */
                link?: string;
            } | {
                /** @constant */
                type: "test";
                stack_id?: string;
                asg_id?: string;
                unhealthy_members?: {
                    [key: string]: unknown;
                }[];
                /** @description Address of the alarm in the console. Only if the service knows its own address (api.public_url). */
                link?: string;
            } | {
                /** @constant */
                type: "heartbeat";
                /** @description Seconds between two heartbeats (heartbeat.every). */
                every: number;
            } | {
                /** @constant */
                type: "loadbalancer_member_health";
                count: number;
                most_recent: {
                    [key: string]: unknown;
                } | null;
                unhealthy_members: {
                    [key: string]: unknown;
                }[];
                pool_id: string;
                stack_id: string;
                asg_id: string;
                /** @description Address of the alarm in the console. Only if the service knows its own address (api.public_url). */
                link?: string;
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listVersions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        versions: {
                            values: ({
                                id: string;
                            } & {
                                [key: string]: unknown;
                            })[];
                        };
                    };
                };
            };
            /** @description The request names text/html in Accept */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    checkLiveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        ok: boolean;
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    checkReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        ok: boolean;
                        checks: {
                            name: string;
                            ok: boolean;
                            detail?: string;
                        }[];
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    checkHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": unknown;
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": unknown;
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    backtestAlarm: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    alarm: components["schemas"]["AlarmRequest"];
                    /** @description ISO 8601; UTC where it names no offset. */
                    start: string;
                    /** @description ISO 8601; UTC where it names no offset. */
                    stop: string;
                    step?: number | null;
                    /** @default insufficient data */
                    initial_state?: ("ok" | "alarm" | "insufficient data") | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Backtest"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getAlarmValues: {
        parameters: {
            query?: {
                /** @description ISO 8601, in UTC unless it has an offset. */
                start?: string;
                /** @description ISO 8601, in UTC unless it has an offset; not in the future. */
                stop?: string;
                /** @description Seconds between two evaluations. Default: evaluator.interval. */
                step?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlarmValues"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getDraftValues: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    alarm: components["schemas"]["AlarmRequest"];
                    /** @description ISO 8601; UTC where it names no offset. */
                    start: string;
                    /** @description ISO 8601; UTC where it names no offset. */
                    stop: string;
                    step?: number | null;
                    /** @default insufficient data */
                    initial_state?: ("ok" | "alarm" | "insufficient data") | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlarmValues"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getLatestValues: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    ids: string[];
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LatestValues"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listAlarmTable: {
        parameters: {
            query?: {
                state?: "ok" | "alarm" | "insufficient data";
                type?: "threshold" | "combination" | "gnocchi_resources_threshold" | "gnocchi_aggregation_by_metrics_threshold" | "gnocchi_aggregation_by_resources_threshold" | "prometheus" | "composite" | "loadbalancer_member_health" | "event";
                severity?: "low" | "moderate" | "critical";
                enabled?: boolean;
                project_id?: string;
                /** @description A part of the name, in any letter case, or the whole id. */
                search?: string;
                /** @description Sort key: key, key:asc or key:desc. May be repeated. Keys: name, state, severity, state_since, type, alarm_id. Default: name. */
                sort?: string[];
                /** @description Most rows of the page. Default: 50. */
                limit?: number;
                /** @description The `next` of the previous page, with the same sort. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListedAlarms"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    countAlarms: {
        parameters: {
            query?: {
                state?: "ok" | "alarm" | "insufficient data";
                type?: "threshold" | "combination" | "gnocchi_resources_threshold" | "gnocchi_aggregation_by_metrics_threshold" | "gnocchi_aggregation_by_resources_threshold" | "prometheus" | "composite" | "loadbalancer_member_health" | "event";
                severity?: "low" | "moderate" | "critical";
                enabled?: boolean;
                project_id?: string;
                /** @description A part of the name, in any letter case, or the whole id. */
                search?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlarmCounts"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getAlarmSchema: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlarmSchema"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    testFireDraft: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DraftTestFireRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestFire"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    testFireAlarm: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TestFireRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestFire"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listAlarms: {
        parameters: {
            query?: {
                /** @description Fields of the conditions, which must all hold. Repeat the four parameters for more conditions; they are matched by position. q[0].field, q[0].op and so on are accepted too. */
                "q.field"?: string[];
                /** @description Operators of the conditions. Default: eq. */
                "q.op"?: string[];
                /** @description Values of the conditions. */
                "q.value"?: string[];
                /** @description Types of the values: integer, float, string, boolean or datetime. */
                "q.type"?: string[];
                /** @description Sort key: key, key:asc or key:desc. May be repeated. */
                sort?: string[];
                /** @description Most rows of the answer. 0: no limit. */
                limit?: number;
                /** @description Id of the last row of the previous page. */
                marker?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alarm"][];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    createAlarm: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlarmRequest"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    /** @description The version of the object. */
                    ETag?: string;
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alarm"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getAlarm: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description The version of the object. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alarm"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    replaceAlarm: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags of the versions that you are willing to change, or *; without it: any version. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlarmRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description The version of the object. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alarm"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description If-Match names other versions than the stored one; nothing was changed */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    deleteAlarm: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags of the versions that you are willing to change, or *; without it: any version. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description If-Match names other versions than the stored one; nothing was changed */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    explainAlarm: {
        parameters: {
            query?: {
                /** @description Time in the past, ISO 8601, in UTC unless it has an offset. Default: now. */
                at?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explanation"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getAlarmState: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description The version of the object. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlarmState"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    setAlarmState: {
        parameters: {
            query?: {
                /** @description The state, instead of a body. */
                state?: "ok" | "alarm" | "insufficient data";
            };
            header?: {
                /** @description ETags of the versions that you are willing to change, or *; without it: any version. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": "ok" | "alarm" | "insufficient data";
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description The version of the object. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlarmState"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description If-Match names other versions than the stored one; nothing was changed */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listAlarmHistory: {
        parameters: {
            query?: {
                /** @description Fields of the conditions, which must all hold. Repeat the four parameters for more conditions; they are matched by position. q[0].field, q[0].op and so on are accepted too. */
                "q.field"?: string[];
                /** @description Operators of the conditions. Default: eq. */
                "q.op"?: string[];
                /** @description Values of the conditions. */
                "q.value"?: string[];
                /** @description Types of the values: integer, float, string, boolean or datetime. */
                "q.type"?: string[];
                /** @description Sort key: key, key:asc or key:desc. May be repeated. */
                sort?: string[];
                /** @description Most rows of the answer. 0: no limit. */
                limit?: number;
                /** @description Id of the last row of the previous page. */
                marker?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlarmChange"][];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listTransitions: {
        parameters: {
            query?: {
                /** @description ISO 8601, in UTC unless it has an offset; included. */
                since?: string;
                /** @description ISO 8601, in UTC unless it has an offset; not included. */
                until?: string;
                /** @description The state after the transition. */
                state?: "ok" | "alarm" | "insufficient data";
                type?: "threshold" | "combination" | "gnocchi_resources_threshold" | "gnocchi_aggregation_by_metrics_threshold" | "gnocchi_aggregation_by_resources_threshold" | "prometheus" | "composite" | "loadbalancer_member_health" | "event";
                severity?: "low" | "moderate" | "critical";
                alarm_id?: string;
                project_id?: string;
                /** @description Most rows of the page. Default: 50. */
                limit?: number;
                /** @description The `next` of the previous page, with the same sort. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transitions"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    queryAlarms: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    filter?: string | null;
                    orderby?: string | null;
                    limit?: number | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alarm"][];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    queryAlarmHistory: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    filter?: string | null;
                    orderby?: string | null;
                    limit?: number | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlarmChange"][];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listMeters: {
        parameters: {
            query?: {
                /** @description Fields of the conditions, which must all hold. Repeat the four parameters for more conditions; they are matched by position. q[0].field, q[0].op and so on are accepted too. */
                "q.field"?: string[];
                /** @description Operators of the conditions. Default: eq. */
                "q.op"?: string[];
                /** @description Values of the conditions. */
                "q.value"?: string[];
                /** @description Types of the values: integer, float, string, boolean or datetime. */
                "q.type"?: string[];
                /** @description Most rows of the answer. 0: no limit. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        name: string;
                        type: string;
                        unit: string;
                        resource_id: string;
                        project_id: string | null;
                        user_id: string | null;
                        source: string;
                        meter_id: string;
                    }[];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listSamples: {
        parameters: {
            query?: {
                /** @description Fields of the conditions, which must all hold. Repeat the four parameters for more conditions; they are matched by position. q[0].field, q[0].op and so on are accepted too. */
                "q.field"?: string[];
                /** @description Operators of the conditions. Default: eq. */
                "q.op"?: string[];
                /** @description Values of the conditions. */
                "q.value"?: string[];
                /** @description Types of the values: integer, float, string, boolean or datetime. */
                "q.type"?: string[];
                /** @description Most rows of the answer. 0: no limit. */
                limit?: number;
            };
            header?: never;
            path: {
                meter: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sample"][];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    createSamples: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                meter: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    counter_name?: string | null;
                    /** @enum {unknown} */
                    counter_type: "gauge" | "delta" | "cumulative";
                    counter_unit: string;
                    counter_volume: number;
                    resource_id: string;
                    project_id?: string | null;
                    user_id?: string | null;
                    /** @default openstack */
                    source?: string | null;
                    /** @description ISO 8601; UTC where it names no offset. */
                    timestamp?: string | null;
                    /** @description ISO 8601; UTC where it names no offset. */
                    recorded_at?: string | null;
                    message_id?: string | null;
                    resource_metadata?: {
                        [key: string]: unknown;
                    } | null;
                }[];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sample"][];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getStatistics: {
        parameters: {
            query?: {
                /** @description Fields of the conditions, which must all hold. Repeat the four parameters for more conditions; they are matched by position. q[0].field, q[0].op and so on are accepted too. */
                "q.field"?: string[];
                /** @description Operators of the conditions. Default: eq. */
                "q.op"?: string[];
                /** @description Values of the conditions. */
                "q.value"?: string[];
                /** @description Types of the values: integer, float, string, boolean or datetime. */
                "q.type"?: string[];
                /** @description Seconds. 0, the default: one period for all. */
                period?: number;
                /** @description Field whose values make groups. May be repeated. */
                groupby?: ("resource_id" | "project_id" | "user_id" | "source")[];
            };
            header?: never;
            path: {
                meter: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        avg: number;
                        count: number;
                        duration: number;
                        /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
                        duration_start: string;
                        /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
                        duration_end: string;
                        groupby: {
                            [key: string]: string | null;
                        } | null;
                        max: number;
                        min: number;
                        stddev: number | null;
                        /** @description Null if it is beyond the range of floats. */
                        sum: number | null;
                        unit: string | null;
                        period: number;
                        /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
                        period_start: string;
                        /** @description ISO 8601 in UTC, without an offset; microseconds are left out when they are zero. */
                        period_end: string;
                    }[];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listResources: {
        parameters: {
            query?: {
                /** @description Fields of the conditions, which must all hold. Repeat the four parameters for more conditions; they are matched by position. q[0].field, q[0].op and so on are accepted too. */
                "q.field"?: string[];
                /** @description Operators of the conditions. Default: eq. */
                "q.op"?: string[];
                /** @description Values of the conditions. */
                "q.value"?: string[];
                /** @description Types of the values: integer, float, string, boolean or datetime. */
                "q.type"?: string[];
                /** @description Most rows of the answer. 0: no limit. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Resource"][];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getResource: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                resource: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Resource"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listMeterTable: {
        parameters: {
            query?: {
                name?: string;
                /** @description A part of the name, in any letter case. */
                search?: string;
                resource_id?: string;
                /** @description The user of the newest sample. Admins of all projects name project_id, too. */
                user_id?: string;
                /** @description Admins may name any project. */
                project_id?: string;
                /** @description Most rows of the page. Default: 50. */
                limit?: number;
                /** @description The `next` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListedMeters"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listResourceTable: {
        parameters: {
            query?: {
                meter?: string;
                /** @description A part of the id, in any letter case. */
                search?: string;
                /** @description The user of the newest sample. Admins of all projects name project_id, too. */
                user_id?: string;
                /** @description Admins may name any project. */
                project_id?: string;
                /** @description Most rows of the page. Default: 50. */
                limit?: number;
                /** @description The `next` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListedResources"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    sendEvents: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": ({
                    message_id: string;
                    event_type: string;
                    /** @description ISO 8601; UTC where it names no offset. */
                    generated?: string | null;
                    /** @default [] */
                    traits?: unknown[][] | null;
                } & {
                    [key: string]: unknown;
                }) | ({
                    message_id: string;
                    event_type: string;
                    /** @description ISO 8601; UTC where it names no offset. */
                    generated?: string | null;
                    /** @default [] */
                    traits?: unknown[][] | null;
                } & {
                    [key: string]: unknown;
                })[];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        received: number;
                        duplicates: number;
                        alarms_fired: number;
                        /** @description Alarms that the events will fire when another transaction, such as an edit, releases them. All is stored: do not send the events again. */
                        alarms_waiting: number;
                    };
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    previewReplay: {
        parameters: {
            query?: {
                /** @description Default: dead. */
                status?: "pending" | "in_flight" | "delivered" | "dead" | "superseded" | "cancelled" | "silenced";
                alarm_id?: string;
                kind?: "transition" | "repeat" | "test" | "heartbeat";
                /** @description The receiver, as the answer shows it. */
                host?: string;
                /** @description Time of creation, ISO 8601, included. */
                since?: string;
                /** @description Time of creation, ISO 8601, not included. */
                until?: string;
                /** @description Admins may name any project. */
                project_id?: string;
                /** @description ISO 8601, in UTC unless it has an offset; not included. Default, and most: now. Repeat the value of the answer. */
                ended_before?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReplayPreview"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    replayNotifications: {
        parameters: {
            query?: {
                /** @description Default: dead. */
                status?: "pending" | "in_flight" | "delivered" | "dead" | "superseded" | "cancelled" | "silenced";
                alarm_id?: string;
                kind?: "transition" | "repeat" | "test" | "heartbeat";
                /** @description The receiver, as the answer shows it. */
                host?: string;
                /** @description Time of creation, ISO 8601, included. */
                since?: string;
                /** @description Time of creation, ISO 8601, not included. */
                until?: string;
                /** @description Admins may name any project. */
                project_id?: string;
                /** @description ISO 8601, in UTC unless it has an offset; not included. Default, and most: now. Repeat the value of the answer. */
                ended_before?: string;
            };
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            202: {
                headers: {
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        replayed: number;
                        /** @description True if notifications are left: repeat the request. */
                        has_more: boolean;
                        /** @description The replayed ones, at most 1,000. Their `delivery` events in the stream tell how they end. */
                        notification_ids: string[];
                        /** @description Number left out, since an edit has removed their action. */
                        removed: number;
                        /**
                         * Format: date-time
                         * @description Only notifications that ended before this time were replayed. Repeat the request with it.
                         */
                        ended_before: string;
                    };
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    replayNotification: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            202: {
                headers: {
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        replayed: number;
                        /** @description True if notifications are left: repeat the request. */
                        has_more: boolean;
                    };
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listNotifications: {
        parameters: {
            query?: {
                status?: "pending" | "in_flight" | "delivered" | "dead" | "superseded" | "cancelled" | "silenced";
                alarm_id?: string;
                kind?: "transition" | "repeat" | "test" | "heartbeat";
                /** @description The receiver, as the answer shows it. */
                host?: string;
                /** @description Time of creation, ISO 8601, included. */
                since?: string;
                /** @description Time of creation, ISO 8601, not included. */
                until?: string;
                /** @description Admins may name any project. */
                project_id?: string;
                /** @description True: only those that wait after a failed attempt. */
                failing?: boolean;
                /** @description Most rows of the page. Default: 100. */
                limit?: number;
                /** @description Id of the last row of the previous page. */
                marker?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"][];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    countByReceiver: {
        parameters: {
            query?: {
                /** @description Admins may name any project. */
                project_id?: string;
                /** @description Most rows of the page. Default: 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CountsByReceiver"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getNotification: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationWithAttempts"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listAttempts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        attempt: number;
                        /**
                         * Format: date-time
                         * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                         */
                        started_at: string;
                        duration_ms: number;
                        outcome: string;
                        http_status: number | null;
                        error: string | null;
                        /** @description At most 1 KiB of the answer to a test. Only admins see it; null for all other notifications. */
                        answer: string | null;
                    }[];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listDeliveryPauses: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryPause"][];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    pauseDeliveries: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["PauseRequest"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    resumeDeliveries: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    streamEvents: {
        parameters: {
            query?: {
                /** @description Kinds of events. May be repeated, as all filters. */
                event?: ("transition" | "definition" | "delivery" | "silence" | "pause")[];
                alarm_id?: string[];
                type?: ("threshold" | "combination" | "gnocchi_resources_threshold" | "gnocchi_aggregation_by_metrics_threshold" | "gnocchi_aggregation_by_resources_threshold" | "prometheus" | "composite" | "loadbalancer_member_health" | "event")[];
                state?: ("ok" | "alarm" | "insufficient data")[];
                severity?: ("low" | "moderate" | "critical")[];
                /** @description Admins may name other projects. */
                project_id?: string[];
                /** @description Instead of the header Last-Event-ID. */
                last_event_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["StreamEvent"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listSilences: {
        parameters: {
            query?: {
                status?: "active" | "planned" | "ended";
                /** @description Admins may name any project. */
                project_id?: string;
                /** @description Only silences of this alarm; without a status, ended ones are left out. */
                alarm_id?: string;
                /** @description Most rows of the page. Default: 100. */
                limit?: number;
                /** @description The `next` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Silences"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    createSilence: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    matchers: {
                        /** @enum {unknown} */
                        field: "alarm_id" | "name" | "type" | "severity";
                        value: string;
                    }[];
                    /** @description ISO 8601; UTC where it names no offset. */
                    starts_at?: string | null;
                    /** @description ISO 8601; UTC where it names no offset. */
                    ends_at?: string | null;
                    recurrence?: {
                        cron: string;
                        duration: number;
                        timezone: string;
                    } | null;
                    reason: string;
                    owner: string;
                    project_ids?: string[] | null;
                    /** @default false */
                    all_projects?: boolean | null;
                };
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    /** @description The version of the object. */
                    ETag?: string;
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Silence"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    previewSilence: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    matchers: {
                        /** @enum {unknown} */
                        field: "alarm_id" | "name" | "type" | "severity";
                        value: string;
                    }[];
                    /** @description ISO 8601; UTC where it names no offset. */
                    starts_at?: string | null;
                    /** @description ISO 8601; UTC where it names no offset. */
                    ends_at?: string | null;
                    recurrence?: {
                        cron: string;
                        duration: number;
                        timezone: string;
                    } | null;
                    reason: string;
                    owner: string;
                    project_ids?: string[] | null;
                    /** @default false */
                    all_projects?: boolean | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SilencePreview"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getSilence: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description The version of the object. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SilenceWithChanges"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    replaceSilence: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags of the versions that you are willing to change, or *; without it: any version. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    matchers: {
                        /** @enum {unknown} */
                        field: "alarm_id" | "name" | "type" | "severity";
                        value: string;
                    }[];
                    /** @description ISO 8601; UTC where it names no offset. */
                    starts_at?: string | null;
                    /** @description ISO 8601; UTC where it names no offset. */
                    ends_at?: string | null;
                    recurrence?: {
                        cron: string;
                        duration: number;
                        timezone: string;
                    } | null;
                    reason: string;
                    owner: string;
                    project_ids?: string[] | null;
                    /** @default false */
                    all_projects?: boolean | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description The version of the object. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Silence"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description If-Match names other versions than the stored one; nothing was changed */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    endSilence: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags of the versions that you are willing to change, or *; without it: any version. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description If-Match names other versions than the stored one; nothing was changed */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listReceivers: {
        parameters: {
            query?: {
                /** @description Admins may name any project. */
                project_id?: string;
                /** @description Most rows of the page. Default: 100. */
                limit?: number;
                /** @description The `next` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Receivers"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    createReceiver: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    origin: string;
                    /** @default  */
                    name?: string | null;
                    /** @default  */
                    description?: string | null;
                    headers?: {
                        [key: string]: string;
                    } | null;
                    project_id?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    /** @description The version of the object. */
                    ETag?: string;
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Receiver"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getReceiver: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description The version of the object. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Receiver"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    replaceReceiver: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags of the versions that you are willing to change, or *; without it: any version. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @default  */
                    name?: string | null;
                    /** @default  */
                    description?: string | null;
                    headers?: {
                        [key: string]: string;
                    } | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description The version of the object. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Receiver"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description If-Match names other versions than the stored one; nothing was changed */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    deleteReceiver: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags of the versions that you are willing to change, or *; without it: any version. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description If-Match names other versions than the stored one; nothing was changed */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    createSigningSecret: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    secret?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description The secret, as Standard Webhooks writes it. Only this answer shows it. */
                        secret: string;
                        id: string;
                        /**
                         * Format: date-time
                         * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                         */
                        created_at: string;
                        /** @description Null: it signs until it is replaced or ended. */
                        ends_at: string | null;
                    };
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    endSigningSecret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                secret: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    importAlarms: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": ({
                    alarm_id: string;
                } & {
                    [key: string]: unknown;
                })[];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        alarm_id: string;
                        name: string;
                        /** @enum {string} */
                        outcome: "created" | "updated" | "unchanged" | "active" | "deleted" | "refused";
                        reason?: string;
                        not_copied: {
                            list: string;
                            action: string;
                        }[];
                    }[];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    activateImports: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    project_id?: string;
                    alarm_ids?: string[];
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        activated: string[];
                    };
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getQuotas: {
        parameters: {
            query?: {
                project_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        project_id: string;
                        quotas: {
                            /** @enum {string} */
                            resource: "alarms";
                            limit: number;
                        }[];
                    };
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    setQuotas: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    project_id: string;
                    /** @default [] */
                    quotas?: {
                        /** @enum {unknown} */
                        resource: "alarms";
                        limit: number;
                    }[] | null;
                };
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        project_id: string;
                        quotas: {
                            /** @enum {string} */
                            resource: "alarms";
                            limit: number;
                        }[];
                    };
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    resetQuotas: {
        parameters: {
            query?: {
                project_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getProjectQuotas: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        project_id: string;
                        quotas: {
                            /** @enum {string} */
                            resource: "alarms";
                            limit: number;
                        }[];
                    };
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    resetProjectQuotas: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listCapabilities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        api: {
                            [key: string]: boolean;
                        };
                        alarm_storage: {
                            [key: string]: boolean;
                        };
                    };
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    countEvaluationResults: {
        parameters: {
            query?: {
                all_projects?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        evaluation_results: {
                            alarm_id: string;
                            project_id: string | null;
                            state_counters: {
                                "insufficient data": number;
                                ok: number;
                                alarm: number;
                            };
                        }[];
                    };
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getCluster: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cluster"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listAuditEntries: {
        parameters: {
            query?: {
                project_id?: string;
                /** @description Id of a user or of an API key. */
                actor?: string;
                action?: "alarm.create" | "alarm.update" | "alarm.delete" | "alarm.set_state" | "alarm.backtest" | "alarm.test_fire" | "alarm.list" | "alarm.read" | "alarm.read_state" | "alarm.read_history" | "alarm.explain" | "alarm.read_values" | "alarm.query" | "alarm.query_history" | "alarm.count_results" | "sample.create" | "sample.list" | "sample.summarise" | "meter.list" | "resource.list" | "resource.read" | "event.create" | "notification.list" | "notification.read" | "notification.read_attempts" | "notification.replay" | "delivery.pause" | "delivery.resume" | "delivery.list_pauses" | "stream.read" | "silence.create" | "silence.update" | "silence.end" | "silence.list" | "silence.read" | "silence.preview" | "receiver.create" | "receiver.update" | "receiver.delete" | "receiver.list" | "receiver.read" | "signing_secret.create" | "signing_secret.end" | "quota.set" | "quota.reset" | "quota.read" | "api_key.create" | "api_key.revoke" | "api_key.list" | "session.begin" | "session.end" | "import.create" | "import.activate" | "secrets.rotate" | "data.export" | "data.import" | "cluster.read" | "audit.list" | "audit.lose" | "service.authenticate" | "service.start";
                object_id?: string;
                outcome?: "done" | "refused" | "denied" | "failed" | "unknown";
                /** @description ISO 8601, in UTC unless it has an offset; included. */
                since?: string;
                /** @description ISO 8601, in UTC unless it has an offset; not included. */
                until?: string;
                /** @description Most rows of the answer. 0: no limit. */
                limit?: number;
                /** @description Id of the last row of the previous page. */
                marker?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditEntry"][];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    listApiKeys: {
        parameters: {
            query?: {
                project_id?: string;
                /** @description Most rows of the answer. 0: no limit. */
                limit?: number;
                /** @description Id of the last row of the previous page. */
                marker?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"][];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    createApiKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is carried out once within a day; a repeat gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @default member */
                    role?: ("reader" | "member" | "admin") | null;
                    /** @default  */
                    description?: string | null;
                    expires_in?: number;
                    project_id?: string | null;
                    user_id?: string | null;
                    /** @default false */
                    all_projects?: boolean | null;
                };
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    /** @description true: the answer to an earlier request with the same key. */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description The key. Only this answer shows it. */
                        key: string;
                        id: string;
                        project_id: string;
                        user_id: string;
                        /** @enum {string} */
                        role: "reader" | "member" | "admin";
                        all_projects: boolean;
                        description: string;
                        created_by: string;
                        /**
                         * Format: date-time
                         * @description RFC 3339 in UTC, with Z; microseconds are left out when they are zero.
                         */
                        created_at: string;
                        expires_at: string | null;
                        revoked_at: string | null;
                        last_used_at: string | null;
                    };
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    revokeApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    beginSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    api_key?: string | null;
                    token?: string | null;
                    name?: string | null;
                    password?: string | null;
                    project?: string | null;
                    /** @default Default */
                    domain?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not authenticated, or the request names another project */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"] | {
                        error: {
                            /** @constant */
                            code: 401;
                            title: string;
                            message: string;
                        };
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    showConsole: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description The client has this version already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getConsoleFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                folder: string;
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description The client has this version already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getDocument: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        openapi: string;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    showPage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    getPageFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description Error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fault"];
                };
            };
        };
    };
    receiveNotification: {
        parameters: {
            query?: never;
            header: {
                /** @description Id of the notification, the same on every attempt and replay. Drop an id that you have seen. */
                "webhook-id": string;
                /** @description Time of this attempt, in Unix seconds. */
                "webhook-timestamp": string;
                /** @description State version of the alarm. Of two notifications the one with the smaller number is older. */
                "tocsin-sequence": string;
                /** @description Time of the change of state; for a repeat, of the change that is repeated. */
                "tocsin-transition-time": string;
                /** @description A request id, the same on every attempt and replay. */
                "x-openstack-request-id": string;
                /** @description tocsin/ and the version. */
                "user-agent": string;
                /** @description Signatures of Standard Webhooks, one for each secret that signs: v1,… v1,… See docs/webhooks.md. */
                "webhook-signature"?: string;
                /** @description true for a test that a person has requested: the alarm has not changed. All others do not have it. */
                "tocsin-test"?: "true";
                /** @description A token of the alarm's trust, for trust+http and trust+https actions. */
                "x-auth-token"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookBody"];
            };
        };
        responses: {
            /** @description Not delivered, and not sent again */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not delivered; most statuses have the notification sent again later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
