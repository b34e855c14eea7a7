// Bugs to plant: each alters one place of the sources in a way that somebody might. An oracle that does not catch them
// proves nothing. `scenario` names the play that brings the bug about where seeds hardly ever would; without it, seeds do.
// What is to be found has to stand in its file exactly once, so that this list cannot rot.

export interface Bug {
  name: string;
  file: string;
  find: string;
  replace: string;
  scenario?: string;
}

export const bugs: Bug[] = [
  {
    name: 'skips the overlap of new windows',
    file: 'sync/sweeps.ts',
    find: 'reached ?? now) - overlapSeconds',
    replace: 'reached ?? now)',
    scenario: 'late',
  },
  {
    name: 'moves the cursor before the rows are stored',
    file: 'sync/pipeline.ts',
    find: '      isDue = await loadBatch(context, batch, checkpoint);',
    replace:
      '      if (checkpoint !== null) await loadBatch(context, [], checkpoint);\n      isDue = await loadBatch(context, batch, null);',
    scenario: 'disk',
  },
  {
    name: 'leaves operatorResultIds out of the fingerprint',
    file: 'sync/fingerprint.ts',
    find: '    for (const key in value) {',
    replace: "    for (const key in value) {\n      if (key === 'operatorResultIds') continue;",
  },
  {
    name: 'stamps synced_at without the row lock of the lease',
    file: 'postgres/lease.ts',
    find: `\`with held as (
         update twilio_sync.lease set stamp = greatest($2::bigint, stamp + 1), expires_at = $2::bigint + \${term}
         where epoch = $1 returning stamp)
       select 1 / count(*) as held, min(stamp) as stamp from held\``,
    replace: "'select $2::bigint as stamp from twilio_sync.lease where epoch = $1'",
    scenario: 'stamps',
  },
  {
    name: 'writes though the lease is lost',
    file: 'postgres/lease.ts',
    find: 'where epoch = $1 returning stamp)',
    replace: 'where epoch >= $1 returning stamp)',
  },
  {
    name: 'asks for slices without a second to spare',
    file: 'twilio/listing.ts',
    find: 'const asked = { from: range.from - 1, to: range.to + 1 };',
    replace: 'const asked = { from: range.from, to: range.to };',
    scenario: 'edges',
  },
  {
    name: 'deletes what is missing, without a 404',
    file: 'sync/follow-up.ts',
    find: '    if (missing) due.push(again',
    replace: '    if (missing) return { store: false, deleted: true, due: [] };\n    if (missing) due.push(again',
    scenario: 'otherKey',
  },
  {
    name: 'deletes what answers 404, though it is listed',
    file: 'sync/follow-up.ts',
    find: "const unlisted = fetch.item === null && find(fetch, 'missing') !== undefined;",
    replace: 'const unlisted = fetch.stored;',
    scenario: 'oneKey',
  },
  {
    name: 'deletes without the brake',
    file: 'sync/sweeps.ts',
    find: 'return missing > 20 && missing > expected * 0.05;',
    replace: 'return missing > expected;',
    scenario: 'brake',
  },
  {
    name: 'takes an absent array for an empty one',
    file: 'sync/normalize.ts',
    find: 'const array = arrayOf(parent.elements[at]);',
    replace: 'const array = arrayOf(parent.elements[at]) ?? [];',
    scenario: 'absent',
  },
  {
    name: 'never asks again for a detail that lags',
    file: 'sync/follow-up.ts',
    find: "if (tryAgain) due.push({ ...again(fetch, 'behind', attempts, now), wants: lacking });",
    replace: '',
  },
  {
    name: 'stores an older detail over a newer one',
    file: 'sync/follow-up.ts',
    find: 'return { store: !older, deleted: false, due };',
    replace: 'return { store: true, deleted: false, due: due.filter((each) => !older || each.reason !== "behind") };',
  },
  {
    name: 'leaves children that are gone',
    file: 'postgres/statements.ts',
    find: `returning stored."\${key[0]}" as id),`,
    replace: `and false returning stored."\${key[0]}" as id),`,
  },
  {
    name: 'trusts a bound that was never proved',
    file: 'twilio/bounds.ts',
    find: "if (broken === null || this.#known[name][broken] === 'disproved') return null;",
    replace: 'return null;',
    scenario: 'ignored',
  },
  {
    name: 'believes what every answer says of the time',
    file: 'twilio/clock.ts',
    find: 'if (accepted !== undefined && Math.abs(seen - accepted) <= agreeSeconds) {',
    replace: 'if (accepted !== undefined) {',
    scenario: 'clock',
  },
  {
    name: 'believes that every list is whole',
    file: 'sync/list-whole.ts',
    find: 'whole.total < trust.provenTotal) return whole;',
    replace: 'whole.total >= 0) return whole;',
    scenario: 'capped',
  },
  {
    name: 'forgets which filters showed a conversation last',
    file: 'sync/slices.ts',
    find: 'if (stored.generation !== generation) result.touched.push(item.id);',
    replace: '',
    scenario: 'generation',
  },
  {
    name: 'writes a conversation in two transactions',
    file: 'postgres/load.ts',
    find: '  const differing = others.filter(',
    replace: "  await queries.sql('commit');\n  await queries.sql('begin');\n  const differing = others.filter(",
    scenario: 'half',
  },
  {
    name: 'forgets what failed',
    file: 'sync/follow-up.ts',
    find: 'return [{ ...failed, error }, ...kept.map',
    replace: 'return [...kept.map',
    scenario: 'quarantine',
  },
  {
    name: 'leaves synced_at where only children changed',
    file: 'postgres/load.ts',
    find: '`update twilio.conversations set synced_at = ',
    replace: '`select from twilio.conversations where false and id = any($1) and synced_at = ',
  },
  {
    name: 'leaves deleted_at on what is back',
    file: 'postgres/statements.ts',
    find: 'synced_at = excluded.synced_at, deleted_at = null',
    replace: 'synced_at = excluded.synced_at',
  },
  {
    name: 'never looks at what a sweep found missing',
    file: 'postgres/windows.ts',
    find: "'update twilio_sync.due set due_at = to_timestamp($2), sweep_id = null where sweep_id = $1'",
    replace: "'update twilio_sync.due set sweep_id = null where sweep_id = $1 and $2::float8 is not null'",
  },
  {
    name: 'reads only the first page',
    file: 'twilio/pager.ts',
    find: 'next = nextToken === null ? null : fetch(nextToken, signal);',
    replace: 'next = null;',
  },
  {
    name: 'misses nothing that was fetched after its listing',
    file: 'postgres/load.ts',
    find: 'stored.filter(({ listed }) => !listed),',
    replace: '[],',
    scenario: 'briefly',
  },
  {
    name: 'does not go on with a reconcile anew',
    file: 'sync/once.ts',
    find: "const again = reconcile && isUnfinished(pending, 'reconcile');",
    replace: "const again = reconcile && isUnfinished(pending, 'range');",
    scenario: 'cutShort',
  },
  {
    name: "takes one conversation's refusal for everybody's",
    file: 'twilio/listing.ts',
    find: 'if (isPassError(error)) throw error;',
    replace: 'if (isPassError(error) || mayAffectAll(error)) throw error;',
    scenario: 'refused',
  },
  {
    name: 'believes each refusal without asking for a known good detail',
    file: 'sync/details.ts',
    find: 'failed.every(({ perhapsAll }) => !perhapsAll)',
    replace: 'failed.length > 0',
    scenario: 'revoked',
  },
  {
    name: 'takes away what was asked for while the detail was on its way',
    file: 'postgres/due.ts',
    find: ' and due.number = served.number`',
    replace: '`',
    scenario: 'asked',
  },
  {
    name: 'stores again what was forgotten while its detail was on its way',
    file: 'postgres/load.ts',
    find: `select 1 / (not exists (\${forgottenAmong(1)}) and`,
    replace: 'select 1 / (',
    scenario: 'forgotten',
  },
  {
    name: 'believes that what was stored is still there',
    file: 'postgres/lookup.ts',
    find: 'where conversations.id is null or remembered.children <> counted.children',
    replace: 'where conversations.id is null and remembered.children <> counted.children',
    scenario: 'accident',
  },
  {
    name: 'begins a transaction with the settings of the session',
    file: 'postgres/database.ts',
    find: '    ...fixedSettings,\n',
    replace: '',
    scenario: 'settings',
  },
  {
    name: 'believes in a lease that ends in an hour',
    file: 'postgres/lease.ts',
    find: `between \${now} and \${now} + \${2 * term}`,
    replace: `> \${now}`,
    scenario: 'setBack',
  },
  {
    name: 'leaves to another sweep what that holds as missing',
    file: 'postgres/windows.ts',
    find: 'where due.sweep_id is not null returning conversation_id',
    replace: 'where false returning conversation_id',
    scenario: 'held',
  },
  {
    name: 'waits for ever for a window that cannot be listed',
    file: 'postgres/windows.ts',
    find: 'count(*) filter (where completed_at is null and failures = 0) > 0 as can_go_on',
    replace: 'count(*) filter (where completed_at is null) > 0 as can_go_on',
    scenario: 'elsewhere',
  },
  {
    name: 'holds the brake over what a source no longer keeps',
    file: 'sync/sweeps.ts',
    find: ' && !isRetention(found)',
    replace: '',
    scenario: 'retention',
  },
  {
    name: 'takes any number of days for what a source no longer keeps',
    file: 'sync/sweeps.ts',
    find: ' && newestMissing - oldestMissing <= secondsSinceReconcile + day',
    replace: '',
    scenario: 'retention',
  },
  {
    name: 'takes what is missing anywhere for what a source no longer keeps',
    file: 'sync/sweeps.ts',
    find: 'newestMissing < oldestListed && ',
    replace: '',
    scenario: 'retention',
  },
  {
    name: 'keeps unfinished sweeps beside the one that replaces them',
    file: 'postgres/windows.ts',
    find: '  if (rows.length === 0) return;\n  const replaced =',
    replace: '  if (rows.length >= 0) return;\n  const replaced =',
    scenario: 'outage',
  },
  {
    name: 'lists what failed before what is new',
    file: 'sync/sweeps.ts',
    find: 'order.indexOf(a.sweep) - order.indexOf(b.sweep)',
    replace: 'order.indexOf(b.sweep) - order.indexOf(a.sweep)',
    scenario: 'outage',
  },
  {
    name: 'takes what a replaced sweep had not listed for listed',
    file: 'postgres/windows.ts',
    find: 'set from_at = cursor, completed_at = started_at',
    replace: 'set completed_at = started_at',
    scenario: 'hole',
  },
  {
    name: 'takes the lease on the tables of a newer release',
    file: 'postgres/obstacles.ts',
    find: 'return unknown > 0 ? new NewerSchema() : undefined;',
    replace: 'return unknown < 0 ? new NewerSchema() : undefined;',
    scenario: 'newer',
  },
];
