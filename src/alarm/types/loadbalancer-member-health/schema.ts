import { z } from 'zod';

import { wireText } from '../../wire/wire-types.js';
import type { ProjectScope } from '../gnocchi-threshold.js';

const MAX_ID = 255;

/** The health of the members of an Octavia pool that the autoscaling group of a stack fills. */
export const LoadbalancerMemberHealthRule = z
  .strictObject({
    pool_id: wireText({ max: MAX_ID }).meta({ title: 'Pool', description: 'Id of the pool in Octavia.' }),
    stack_id: wireText({ max: MAX_ID }).meta({ title: 'Stack', description: 'Id of the stack in Heat.' }),
    autoscaling_group_id: wireText({ max: MAX_ID }).meta({
      title: 'Autoscaling group',
      description: 'Id of the group whose servers are members of the pool.',
    }),
  })
  .transform((rule): typeof rule & ProjectScope & { type: 'loadbalancer_member_health' } => ({
    type: 'loadbalancer_member_health',
    ...rule,
    scope_to_project: null,
  }))
  .meta({ title: 'Load balancer', description: 'Fires while a member of a pool in Octavia is unhealthy.' });
export type LoadbalancerMemberHealthRule = z.infer<typeof LoadbalancerMemberHealthRule>;
