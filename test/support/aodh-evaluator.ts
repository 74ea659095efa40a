import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { PYTHON } from './peer-programs.js';

/** An alarm as Aodh's evaluators see one. */
export interface AodhAlarm {
  type: string;
  /** As Aodh stores it: JSON text. */
  rule: string;
  state: string;
  repeat_actions: boolean;
}

/**
 * What an evaluator would have stored or sent; null where it leaves an alarm alone. `reason_data` is Python's JSON,
 * which may hold `Infinity`.
 */
export type AodhOutcome = { state: string; reason: string; reason_data: string } | { failed: string } | null;

export interface AodhEvaluation {
  gnocchiUrl: string;
  /** For `X-Auth-Token`. */
  token: string;
  now: Date;
  alarms: readonly AodhAlarm[];
}

const TIMEOUT_MS = 120_000;

/** The evaluators of the installed Aodh, on a clock of our own; a recorder stands for the database and the notifier. */
const EVALUATE = `
import datetime, json, sys
from oslo_utils import timeutils
from aodh import service
from aodh.evaluator import composite, gnocchi
asked = json.load(sys.stdin)
conf = service.prepare_service(['--config-file', sys.argv[1]])
timeutils.set_time_override(datetime.datetime.fromisoformat(asked['now']))
KINDS = {
    'gnocchi_resources_threshold': gnocchi.GnocchiResourceThresholdEvaluator,
    'gnocchi_aggregation_by_metrics_threshold': gnocchi.GnocchiAggregationMetricsThresholdEvaluator,
    'gnocchi_aggregation_by_resources_threshold': gnocchi.GnocchiAggregationResourcesThresholdEvaluator,
    'composite': composite.CompositeEvaluator,
}
evaluators = {}
class Alarm(object):
    def __init__(self, fields):
        self.__dict__.update(fields, alarm_id='an-alarm', name='an alarm', time_constraints=[])
def outcome(fields):
    heard = []
    fields = dict(fields, rule=json.loads(fields['rule']))
    kind = fields['type']
    evaluator = evaluators.get(kind) or evaluators.setdefault(kind, KINDS[kind](conf))
    def refresh(alarm, state, reason, data, *rest):
        if state != alarm.state or alarm.repeat_actions:
            heard.append({'state': state, 'reason': reason, 'reason_data': json.dumps(data)})
    evaluator._refresh = refresh
    try:
        evaluator.evaluate(Alarm(fields))
    except Exception as e:
        return {'failed': '%s: %s' % (type(e).__name__, e)}
    return heard[0] if heard else None
print(json.dumps([outcome(fields) for fields in asked['alarms']]))
`;

/** One evaluation of each alarm, in their order. Needs the kind `aodh-service` of `describeWith`. */
export async function evaluatedByAodh({ gnocchiUrl, token, now, alarms }: AodhEvaluation): Promise<AodhOutcome[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'aodh-evaluator-'));
  try {
    const file = path.join(folder, 'aodh.conf');
    await writeFile(file, configuration(gnocchiUrl, token));
    const out = await outputOf(
      ['-I', '-c', EVALUATE, file],
      JSON.stringify({ now: now.toISOString().slice(0, -1), alarms }),
    );
    return JSON.parse(out) as AodhOutcome[];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function configuration(endpoint: string, token: string): string {
  return `[DEFAULT]
transport_url = fake://
[service_credentials]
auth_type = admin_token
endpoint = ${endpoint}
token = ${token}
`;
}

function outputOf(args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(PYTHON, args, { timeout: TIMEOUT_MS, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr.slice(-4_000)}`));
      else resolve(stdout.slice(stdout.lastIndexOf('\n', stdout.length - 2) + 1));
    });
    child.stdin?.end(input);
  });
}
