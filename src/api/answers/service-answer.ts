import { z } from 'zod';

import type { ReadinessCheck } from '../ports.js';
import { AnyJson } from './answer-fields.js';

/** The versions of the API. */
export const VersionsAnswer = z.strictObject({
  versions: z.strictObject({ values: z.array(z.object({ id: z.string() }).catchall(AnyJson)) }),
});
export type VersionsAnswer = z.infer<typeof VersionsAnswer>;

/** Aodh's capabilities. */
export const CapabilitiesAnswer = z.strictObject({
  api: z.record(z.string(), z.boolean()),
  alarm_storage: z.record(z.string(), z.boolean()),
});
export type CapabilitiesAnswer = z.infer<typeof CapabilitiesAnswer>;

/** The process is alive. */
export const LivenessAnswer = z.strictObject({ ok: z.boolean() });
export type LivenessAnswer = z.infer<typeof LivenessAnswer>;

/** The checks of readiness. */
export const ReadinessAnswer = z.strictObject({
  ok: z.boolean(),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string().optional() })),
});
export type ReadinessAnswer = z.infer<typeof ReadinessAnswer>;

/** The answer about readiness. */
export function readinessAnswer(checks: readonly ReadinessCheck[]): ReadinessAnswer {
  return {
    ok: checks.every(({ ok }) => ok),
    checks: checks.map(({ name, ok, detail }) => ({ name, ok, detail })),
  };
}
