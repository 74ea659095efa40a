import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { signingSecretOf } from '../../src/alarm/receiver/signing-secret.js';
import { createSystemClock } from '../../src/clock.js';
import { WEBHOOKS } from '../../src/api/openapi/webhook.js';
import { webhookSignature } from '../../src/notifier/receivers/webhook/signature.js';
import { tablesOf, plain } from '../support/markdown.js';
import { sourceOf } from '../support/source-tree.js';

/** The functions of docs/webhooks.md, run on requests as Tocsin signs them. */

const PAGE = sourceOf('docs/webhooks.md');
const [SECRET, OTHER] = [signingSecretOf(Buffer.alloc(32, 1)), signingSecretOf(Buffer.alloc(32, 2))];
const BODY = '{"alarm_name": "cpu höher", "reason_data": {"most_recent": 95.0}}';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'tocsin-webhooks-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Case {
  secret: string;
  headers: Record<string, string>;
  body: string;
}

function signed(secrets: readonly string[], ageS = 0): Case {
  const id = 'msg_5f1c2b8e-97a7';
  const timestamp = String(Math.floor(createSystemClock().wallNow().getTime() / 1_000) - ageS);
  const signature = webhookSignature({ id, timestamp, body: Buffer.from(BODY) }, secrets);
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
  return { secret: SECRET, headers, body: BODY };
}

/** Requests, with what a function says of each. */
function cases(): [string, Case, boolean][] {
  const good = signed([SECRET]);
  const without = (name: string): Case => ({ ...good, headers: { ...good.headers, [name]: '' } });
  return [
    ['one signature', good, true],
    ['a second, newer signature before it', signed([OTHER, SECRET]), true],
    ['a second, older signature behind it', signed([SECRET, OTHER]), true],
    ['a signature of another version before it', withPrefix('v1a,AAAA '), true],
    ['the secret of another', { ...good, secret: OTHER }, false],
    ['another body', { ...good, body: `${BODY} ` }, false],
    ['another id', { ...good, headers: { ...good.headers, 'webhook-id': 'msg_other' } }, false],
    ['an old timestamp', signed([SECRET], 3_600), false],
    ['a timestamp of the future', signed([SECRET], -3_600), false],
    ['a timestamp that is no number', { ...good, headers: { ...good.headers, 'webhook-timestamp': 'now' } }, false],
    ['no signature', without('webhook-signature'), false],
    ['no timestamp', without('webhook-timestamp'), false],
    ['a signature that is cut off', cutOff(good), false],
  ];
  function withPrefix(prefix: string): Case {
    return {
      ...good,
      headers: { ...good.headers, 'webhook-signature': `${prefix}${good.headers['webhook-signature']}` },
    };
  }
  function cutOff({ headers, ...rest }: Case): Case {
    return { ...rest, headers: { ...headers, 'webhook-signature': headers['webhook-signature']!.slice(0, -8) } };
  }
}

interface Language {
  name: string;
  /** Of the block of code in the page. */
  fence: string;
  file: string;
  command: string[];
  /** Reads the requests from standard input, and prints a JSON list of booleans. */
  main: string;
}

const LANGUAGES: Language[] = [
  {
    name: 'JavaScript',
    fence: 'js',
    file: 'verify.mjs',
    command: [process.execPath, 'verify.mjs'],
    main: `
import { readFileSync } from 'node:fs';
const all = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(all.map((one) => isFromTocsin(one.secret, one.headers, Buffer.from(one.body)))));`,
  },
  {
    name: 'Python',
    fence: 'python',
    file: 'verify.py',
    command: ['python3', 'verify.py'],
    main: `
import json, sys
requests = json.load(sys.stdin)
print(json.dumps([is_from_tocsin(one["secret"], one["headers"], one["body"].encode()) for one in requests]))`,
  },
  {
    name: 'Go',
    fence: 'go',
    file: 'verify.go',
    command: ['go', 'run', 'verify.go', 'main.go'],
    main: `package main

import (
	"encoding/json"
	"os"
)

func main() {
	var all []struct {
		Secret  string
		Headers map[string]string
		Body    string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		panic(err)
	}
	results := []bool{}
	for _, one := range all {
		results = append(results, IsFromTocsin(one.Secret, one.Headers, []byte(one.Body)))
	}
	json.NewEncoder(os.Stdout).Encode(results)
}`,
  },
];

const isInstalled = ({ command: [program = ''] }: Language): boolean =>
  spawnSync(program, [program === 'go' ? 'version' : '--version']).status === 0;
const installed = LANGUAGES.filter(isInstalled);
const missing = LANGUAGES.filter((language) => !installed.includes(language)).map(({ name }) => name);
if (missing.length > 0) process.stderr.write(`docs/webhooks.md: not run, since not installed: ${missing.join(', ')}\n`);

function codeOf({ fence }: Language): string {
  const [, code = ''] = new RegExp(`\`\`\`${fence}\\n([\\s\\S]*?)\`\`\``).exec(PAGE) ?? [];
  return code;
}

test.each(LANGUAGES)('docs/webhooks.md has a function that verifies in $name', (language) => {
  expect(codeOf(language)).toMatch(/is_?from_?tocsin/i);
});

describe.each(installed)('the function in $name', (language) => {
  const { file, command, main } = language;
  test('accepts what Tocsin has signed, and nothing else', () => {
    if (language.fence === 'go') {
      writeFileSync(path.join(dir, file), codeOf(language));
      writeFileSync(path.join(dir, 'main.go'), main);
    } else writeFileSync(path.join(dir, file), codeOf(language) + main);
    const all = cases();
    const [program = '', ...parameters] = command;
    const input = JSON.stringify(all.map(([, request]) => request));
    const { stdout, stderr } = spawnSync(program, parameters, { cwd: dir, input, encoding: 'utf8' });
    expect(stderr).toBe('');
    const results = JSON.parse(stdout) as boolean[];
    expect(all.map(([what], index) => [what, results[index]])).toEqual(all.map(([what, , is]) => [what, is]));
  });
});

/** OpenAPI has other places for them. */
const NO_PARAMETERS = ['content-type', 'authorization'];

test('docs/webhooks.md lists the headers that /openapi.json has', () => {
  const table = tablesOf(PAGE).find(({ columns }) => columns[0] === 'header')!;
  const listed = table.rows.map(([name = '']) => plain(name)).filter((name) => !NO_PARAMETERS.includes(name));
  const known = WEBHOOKS.notification.post.parameters.map(({ name }) => name);
  expect(listed.sort()).toEqual([...known].sort());
});
