import { NO_OPTIONS } from '../../alarm/evaluation-options.js';
import { placementOf, type Placement } from '../../alarm/partition-key.js';
import { leafTypeOf, withLeaves, type CompositeLeaf } from '../../alarm/types/composite/tree.js';
import { withFormerScope } from '../../alarm/types/threshold/meter-query.js';
import { parseStoredRule, typeOf, type AlarmKind, type AlarmRule } from '../../alarm/types/index.js';
import { parseStoredOptions } from '../alarms/alarm-row.js';
import type { Database, Sql } from '../database.js';

/** The kinds that no evaluator could judge before migration 0003: their keys were their ids. */
const KINDS: AlarmKind[] = [
  'gnocchi_resources_threshold',
  'gnocchi_aggregation_by_metrics_threshold',
  'gnocchi_aggregation_by_resources_threshold',
  'prometheus',
  'composite',
  'loadbalancer_member_health',
];

const KINDS_WITH_FAMILIES: AlarmKind[] = ['prometheus', 'composite'];

const BATCH = 1_000;

interface OldRow {
  id: string;
  project_id: string | null;
  type: AlarmKind;
  rule: string;
  evaluation_options: string | null;
  query_key: string;
  partition: number;
  revision: string;
}

interface Rekeyed extends Placement {
  id: string;
  revision: string;
  ruleJson: string;
}

const oldWhere = (condition: string): string => `
  select id, project_id, type, rule, evaluation_options, query_key, partition, revision::text from alarms
   where ${condition} and deleted_at is null`;

const NEXT = 'type = any($1::text[]) and id > $2';
const NEXT_WITHOUT_KEY = `${oldWhere(`query_key = id and ${NEXT}`)} order by id limit $3 for update`;
const NEXT_OF_ALL = `${oldWhere(NEXT)} order by id limit $3`;
/** A name inside a string of the rule has its quotes escaped, so only a member of the rule itself matches. */
const NEXT_WITHOUT_SCOPE = `${oldWhere(`rule not like '%"scope_to_project": %' and ${NEXT}`)} order by id limit $3`;
const ONE = `${oldWhere('id = $1')} for update`;

/**
 * As an edit does, but for the version: what clients see of an alarm stays the same. Nothing is waited for: what
 * somebody else holds, or has edited since it was read, is left out.
 */
const UPDATE = `
  with free as (
    select a.id, n.rule, n.query_key, n.partition
      from (select unnest($1::text[]) as id, unnest($2::text[]) as rule, unnest($3::text[]) as query_key,
                   unnest($4::text[])::smallint as partition, unnest($5::text[])::xid8 as revision) n
      join alarms a on a.id = n.id and a.revision = n.revision
       for no key update of a skip locked)
  update alarms a set rule = n.rule, query_key = n.query_key,
      previous_partition = case when a.partition = n.partition then a.previous_partition else a.partition end,
      partition = n.partition, revision = pg_current_xact_id()
    from free n where a.id = n.id returning a.id`;

/**
 * Gives alarms that were stored by a release before migration 0003 what they are evaluated by: the key of their
 * question, the partition that follows from it, and in rules that name resources or metrics by id the project whose
 * data they may look at. SQL cannot compute the keys. Returns how many alarms it changed. Doing it again changes
 * nothing, but for alarms that such a release has written since.
 */
export async function rekeyAlarms(tx: Sql): Promise<number> {
  let changed = 0;
  for await (const rows of pagesOf(tx, NEXT_WITHOUT_KEY, KINDS)) changed += (await update(tx, rekeyedOf(rows))).size;
  return changed;
}

/**
 * Moves alarms that have a family to where their family is: until migration 0004 nobody asked for that. One that a
 * release before it writes later lives elsewhere and is evaluated as well, with a request of its own. Returns how many
 * alarms it moved. Evaluators go on meanwhile: many alarms are moved at a time, each for itself, and who holds one that
 * is to be moved is waited for by nobody who holds another.
 */
export function uniteFamilies(db: Database): Promise<number> {
  return moveEach(db, NEXT_OF_ALL, KINDS_WITH_FAMILIES);
}

/**
 * Gives `threshold` alarms that a release before migration 0012 stored their scope, and the query key and partition
 * that follow from it. Such a release may run beside this one: its alarms are bound by their conditions until the next
 * start. Returns the number of changed alarms.
 */
export function scopeThresholdRules(db: Database): Promise<number> {
  return moveEach(db, NEXT_WITHOUT_SCOPE, ['threshold']);
}

/**
 * A page of rows is changed by one statement, and each locked row by one of its own, so that a locked row delays no
 * other.
 */
async function moveEach(db: Database, next: string, kinds: readonly AlarmKind[]): Promise<number> {
  let moved = 0;
  for await (const rows of pagesOf(db, next, kinds)) {
    const rekeyed = rekeyedOf(rows);
    const done = await update(db, rekeyed);
    moved += done.size;
    for (const { id } of rekeyed) if (!done.has(id)) moved += await moveOne(db, id);
  }
  return moved;
}

function moveOne(db: Database, id: string): Promise<number> {
  return db.transaction(async (tx) => {
    await tx.query('set local lock_timeout = 0');
    const { rows } = await tx.query<OldRow>(ONE, [id]);
    return (await update(tx, rekeyedOf(rows))).size;
  });
}

async function* pagesOf(sql: Sql, next: string, kinds: readonly AlarmKind[]): AsyncGenerator<OldRow[], void, void> {
  for (let after = ''; ;) {
    const { rows } = await sql.query<OldRow>(next, [kinds, after, BATCH]);
    yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return;
    after = last.id;
  }
}

async function update(sql: Sql, rekeyed: readonly Rekeyed[]): Promise<ReadonlySet<string>> {
  if (rekeyed.length === 0) return new Set();
  const { rows } = await sql.query<{ id: string }>(UPDATE, [
    rekeyed.map(({ id }) => id),
    rekeyed.map(({ ruleJson }) => ruleJson),
    rekeyed.map(({ queryKey }) => queryKey),
    rekeyed.map(({ partition }) => String(partition)),
    rekeyed.map(({ revision }) => revision),
  ]);
  return new Set(rows.map(({ id }) => id));
}

function rekeyedOf(rows: readonly OldRow[]): Rekeyed[] {
  return rows.map(rekey).filter((one) => one !== undefined);
}

/**
 * Undefined when there is nothing to change: an empty composite rule asks nothing, and what cannot be read is left to
 * evaluators to tell of.
 */
function rekey({
  id,
  project_id: projectId,
  type,
  rule: text,
  evaluation_options: options,
  ...stored
}: OldRow): Rekeyed | undefined {
  const read = readable(type, text);
  if (read === undefined) return undefined;
  const rule = withinProject(read, projectId);
  const home = placementOf(rule, parseStoredOptions(options) ?? NO_OPTIONS, id);
  const isScoped = rule.type !== 'threshold' || rule === read;
  if (isScoped && home.queryKey === stored.query_key && home.partition === stored.partition) return undefined;
  return { id, revision: stored.revision, ruleJson: typeOf(rule).ruleJson(rule), ...home };
}

function readable(type: AlarmKind, text: string): AlarmRule | undefined {
  try {
    return parseStoredRule(type, text);
  } catch {
    return undefined;
  }
}

/**
 * Only what the kind itself would say, and only where it is not said: an admin's rule that looks at everybody's data
 * stays one.
 */
function withinProject(rule: AlarmRule, projectId: string | null): AlarmRule {
  if (rule.type === 'threshold') return withFormerScope(rule, projectId);
  if (rule.type === 'composite') return { ...rule, tree: withLeaves(rule.tree, (leaf) => leafWithin(leaf, projectId)) };
  const lacking = lacksProject(rule, typeOf(rule).scopedTo(rule, { projectId }));
  return lacking ? ({ ...rule, scope_to_project: projectId } as AlarmRule) : rule;
}

/** Of a leaf, the type comes last. */
function leafWithin(leaf: CompositeLeaf, projectId: string | null): CompositeLeaf {
  if (!lacksProject(leaf, leafTypeOf(leaf).scopedTo(leaf, { projectId }))) return leaf;
  const { type, ...rest } = leaf;
  return { ...rest, scope_to_project: projectId, type } as CompositeLeaf;
}

function lacksProject(rule: AlarmRule, scoped: AlarmRule): boolean {
  return 'scope_to_project' in scoped && !('scope_to_project' in rule);
}
