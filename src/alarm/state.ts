/** The states of an alarm, as in Aodh. */
export const ALARM_STATES = ['ok', 'alarm', 'insufficient data'] as const;
export type AlarmState = (typeof ALARM_STATES)[number];

/** The two values of `state_reason` that no evaluation writes. */
export const NOT_EVALUATED_YET = 'Not evaluated yet';
export const MANUALLY_SET = 'Manually set via API';
