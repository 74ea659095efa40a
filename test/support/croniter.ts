import { spawnSync } from 'node:child_process';

import { urlOf } from './run-servers.js';

/** A change of a zone's clock: its moment and the offsets from UTC before and after it, all in seconds. */
export type ClockChange = readonly [moment: number, before: number, after: number];

/**
 * Openings of a cron expression in a zone, at naive local times from `first` until before `last`
 * (`2026-03-29T02:30:00`).
 */
export type OpeningsCase = readonly [zone: string, start: string, first: string, last: string];

/**
 * The oracle: croniter on naive local times, each mapped to UTC by Python's `zoneinfo`. It never sees a zone: with one
 * attached croniter is wrong around changes of the clock. No two changes of the tz database are closer than STEP.
 */
const ORACLE = `
import datetime, functools, io, json, os, struct, sys, zoneinfo
from croniter import croniter, CroniterBadCronError, CroniterBadDateError

UTC = datetime.timezone.utc
SECOND = datetime.timedelta(seconds=1)
STEP = 3 * 86400

def offset_at(zone, timestamp):
    moment = datetime.datetime.fromtimestamp(timestamp, UTC)
    return int(moment.astimezone(zone).utcoffset().total_seconds())

def change_between(zone, low, high):
    before = offset_at(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset_at(zone, middle) == before else (low, middle)
    return high

# The moments of the second table of a file of the tz database (RFC 8536), which comes after the first one.
def listed_moments(content):
    def counts(at):
        return struct.unpack_from('>6l', content, at + 20)
    ut, standard, leap, moments, types, letters = counts(0)
    table = 44 + moments * 5 + types * 6 + letters + leap * 8 + standard + ut
    return struct.unpack_from('>%dq' % counts(table)[3], content, table + 44)

# For what comes after the last moment the file ends with a rule, which has a comma if the clock changes at all.
@functools.lru_cache(maxsize=None)
def changes_of(content, first, last):
    zone = zoneinfo.ZoneInfo.from_file(io.BytesIO(content))
    listed = [moment for moment in listed_moments(content) if first < moment <= last]
    found = []
    for moment in listed:
        before, after = offset_at(zone, moment - 1), offset_at(zone, moment)
        if after != before:
            found.append([moment, before, after])
    rule = content.splitlines()[-1]
    for low in range(max([first, *listed]), last, STEP) if b',' in rule else []:
        before, after = offset_at(zone, low), offset_at(zone, low + STEP)
        if after != before:
            found.append([change_between(zone, low, low + STEP), before, after])
    return found

# Names of the same zone have equal files.
def content_of(name):
    with open(os.path.join('/usr/share/zoneinfo', name), 'rb') as file:
        return file.read()

# Three rules: the first of two moments; the end of a gap for a time within it; else the only moment.
def first_moment_of(zone, naive):
    moment = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == naive:
        return int(moment.timestamp())
    # In a gap fold=0 counts with the offset before the change, so its moment is after it, and that of fold=1 before it.
    before = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return change_between(zone, int(before.timestamp()), int(moment.timestamp()))

@functools.lru_cache(maxsize=100_000)
def naive_openings(start, first, last):
    schedule = croniter(start, datetime.datetime.fromisoformat(first) - SECOND)
    end = datetime.datetime.fromisoformat(last)
    found = []
    while True:
        naive = schedule.get_next(datetime.datetime)
        if naive >= end:
            return found
        found.append(naive)

def openings(name, start, first, last):
    zone = zoneinfo.ZoneInfo(name)
    return sorted({first_moment_of(zone, naive) for naive in naive_openings(start, first, last)})

def next_naive(start, first, count):
    try:
        schedule = croniter(start, datetime.datetime.fromisoformat(first) - SECOND)
        return [schedule.get_next(datetime.datetime).isoformat() for _ in range(count)]
    except CroniterBadDateError:
        return []
    except CroniterBadCronError:
        return None

asked = json.load(sys.stdin)
if 'changes' in asked:
    names = sorted(zoneinfo.available_timezones() - {'localtime'})
    answer = {name: changes_of(content_of(name), *asked['changes']) for name in names}
elif 'cases' in asked:
    answer = [openings(*case) for case in asked['cases']]
else:
    answer = [next_naive(*one) for one in asked['schedules']]
json.dump(answer, sys.stdout)
`;

/** By zone, of each zone that Python knows, between two moments in seconds. */
export function clockChanges(first: number, last: number): Record<string, ClockChange[]> {
  return askOracle({ changes: [first, last] }) as Record<string, ClockChange[]>;
}

/** In seconds, rising, for each case; several naive times of one gap are one opening. */
export function cronOpenings(cases: readonly OpeningsCase[]): number[][] {
  return askOracle({ cases }) as number[][];
}

/**
 * The next naive local times of cron expressions (`2026-03-29T02:30:00`), so many from `first` on. None at all where
 * there are not so many in 50 years; null for an expression that croniter refuses.
 */
export function nextNaiveTimes(
  schedules: readonly (readonly [start: string, first: string, count: number])[],
): (string[] | null)[] {
  return askOracle({ schedules }) as (string[] | null)[];
}

function askOracle(question: object): unknown {
  const { status, stdout, stderr, error } = spawnSync(urlOf('croniter'), ['-c', ORACLE], {
    input: JSON.stringify(question),
    encoding: 'utf8',
    maxBuffer: 1024 ** 3,
  });
  if (status !== 0) throw new Error(`the oracle failed: ${error?.message ?? stderr}`);
  return JSON.parse(stdout);
}
