import { z } from 'zod';

import { wireText } from '../../wire/wire-types.js';
import type { ProjectScope } from '../gnocchi-threshold.js';

const MAX_ID = 255;

/** The health of the members of an Octavia pool that the autoscaling group of a stack fills. */
export const LoadbalancerMemberHealthRule = z
  .strictObject({
    pool_id: wireText({ max: MAX_ID }),
    stack_id: wireText({ max: MAX_ID }),
    autoscaling_group_id: wireText({ max: MAX_ID }),
  })
  .transform((rule): typeof rule & ProjectScope & { type: 'loadbalancer_member_health' } => ({
    type: 'loadbalancer_member_health',
    ...rule,
    scope_to_project: null,
  }));
export type LoadbalancerMemberHealthRule = z.infer<typeof LoadbalancerMemberHealthRule>;
