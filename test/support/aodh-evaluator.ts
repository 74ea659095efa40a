import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { PYTHON } from './peer-programs.js';
import { TIED_TO_PARENT } from './python-server.js';
import { inTemporaryFolder } from './running-servers.js';

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

export interface StartAodhEvaluatorOptions {
  gnocchiUrl: string;
  /** For `X-Auth-Token`. */
  token: string;
  now: Date;
}

/** The evaluators of the installed Aodh, in one process. */
export interface AodhEvaluator {
  /** One evaluation of each alarm, in their order; one call after the other. */
  evaluate(alarms: readonly AodhAlarm[]): Promise<AodhOutcome[]>;
  stop(): Promise<void>;
}

/**
 * The evaluators of the installed Aodh, on a clock of our own; a recorder stands for the database and the notifier. A
 * line of JSON on standard input is the alarms, a line on standard output their outcomes.
 */
const EVALUATE = `${TIED_TO_PARENT}
import datetime, json, os
answers = os.fdopen(os.dup(1), 'w')
os.dup2(2, 1) # for Aodh's log
from oslo_utils import timeutils
from aodh import service
from aodh.evaluator import composite, gnocchi
conf = service.prepare_service(['--config-file', sys.argv[1]])
timeutils.set_time_override(datetime.datetime.fromisoformat(sys.argv[2]))
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
for line in sys.stdin:
    print(json.dumps([outcome(fields) for fields in json.loads(line)]), file=answers, flush=True)
`;

/** Needs the kind `aodh-service` of `describeWith`. */
export function startAodhEvaluator({ gnocchiUrl, token, now }: StartAodhEvaluatorOptions): Promise<AodhEvaluator> {
  return inTemporaryFolder((dir) => {
    const file = path.join(dir, 'aodh.conf');
    writeFileSync(file, configuration(gnocchiUrl, token));
    const child = spawn(PYTHON, ['-I', '-c', EVALUATE, file, now.toISOString().slice(0, -1)]);
    return Promise.resolve(evaluatorIn(child));
  });
}

function evaluatorIn(child: ChildProcessWithoutNullStreams): AodhEvaluator {
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  child.stdin.on('error', () => undefined); // the process has ended: the missing line shows that
  return {
    async evaluate(alarms) {
      child.stdin.write(`${JSON.stringify(alarms)}\n`);
      const line = await lines.next();
      if (line.done) throw new Error(`the evaluators of Aodh have ended: ${complaints.slice(-4_000)}`);
      return JSON.parse(line.value) as AodhOutcome[];
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
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
