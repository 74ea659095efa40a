import { z } from 'zod';

import { shownText, wireText } from '../../wire/wire-types.js';
import { GNOCCHI_THRESHOLD_FIELDS, MAX_NAME, METRIC_WORDS, RESOURCE_TYPE_WORDS } from '../gnocchi-threshold.js';
import { isJson, lengthWithoutCondition, withoutRepeats } from './project-condition.js';

const MAX_QUERY = 4_096;
/** Room for the project conditions that Aodh adds again and again. */
const MAX_SENT = 4 * MAX_QUERY;

const Query = wireText().transform((query, context) => {
  const isTooLong = query.length > MAX_SENT;
  if (!isTooLong && !isJson(query)) {
    // Aodh's text, with the space at its end: Aodh says no more here.
    const message = `Invalid input for field/attribute rule/query. Value: '${shownText(query)}'. `;
    context.addIssue({ code: 'custom', message, params: { whole: true } });
    return z.NEVER;
  }
  const search = isTooLong ? query : withoutRepeats(query);
  if (!isTooLong && lengthWithoutCondition(search) <= MAX_QUERY) return search;
  context.addIssue({ code: 'custom', message: `Value should have a maximum character requirement of ${MAX_QUERY}` });
  return z.NEVER;
});

/** An aggregate over all metrics of one name, of all resources that a search finds. The search is JSON text. */
export const GnocchiAggregationByResourcesThresholdRule = z
  .strictObject({
    metric: wireText({ max: MAX_NAME }).meta(METRIC_WORDS),
    query: Query.meta({
      title: 'Query',
      description: 'JSON that selects the resources, such as {"=": {"server_group": "web"}}. {} selects all.',
    }),
    resource_type: wireText({ max: MAX_NAME }).meta(RESOURCE_TYPE_WORDS),
    ...GNOCCHI_THRESHOLD_FIELDS,
  })
  .transform((rule) => ({ type: 'gnocchi_aggregation_by_resources_threshold' as const, ...rule }))
  .meta({
    title: 'Gnocchi: resources of a query',
    description: 'Compares an aggregate over all resources that a query selects with a threshold.',
  });
export type GnocchiAggregationByResourcesThresholdRule = z.infer<typeof GnocchiAggregationByResourcesThresholdRule>;
