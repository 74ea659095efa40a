import { execFileSync } from 'node:child_process';

import { PYTHON } from './peer-programs.js';

/** An answer as aodhclient gets it. */
export interface ClientAnswer {
  method: string;
  url: string;
  status: number;
  headers: Readonly<Record<string, string>>;
  text: string;
}

/** What aodhclient makes of an answer: its exception, or the one in which its own reading ended. */
export interface ClientException {
  raised: string;
  message?: unknown;
  httpStatus?: number;
  requestId?: string | null;
  retryAfter?: number;
}

/** `Response` is the class of `requests` that keystoneauth hands to aodhclient. */
const READ = `
import json, sys
from aodhclient import exceptions
from requests.models import Response
from requests.structures import CaseInsensitiveDict

def read(answer):
    response = Response()
    response.status_code = answer['status']
    response.headers = CaseInsensitiveDict(answer['headers'])
    response._content = answer['text'].encode()
    response.url = answer['url']
    try:
        found = exceptions.from_response(response, answer['url'], answer['method'])
    except Exception as e:
        return {'raised': 'no exception was made: %r' % e}
    return {
        'raised': type(found).__name__, 'message': found.message, 'httpStatus': found.http_status,
        'requestId': found.request_id, 'retryAfter': getattr(found, 'retry_after', None), 'text': str(found),
    }

json.dump([read(answer) for answer in json.load(sys.stdin)], sys.stdout)
`;

/**
 * What the real `aodhclient.exceptions.from_response` returns for each answer. Needs the kind `aodh` of `describeWith`.
 */
export function readByAodhclient(answers: readonly ClientAnswer[]): ClientException[] {
  const output = execFileSync(PYTHON, ['-I', '-c', READ], {
    input: JSON.stringify(answers),
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(output.toString()) as ClientException[];
}
