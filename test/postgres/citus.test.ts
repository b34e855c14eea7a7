// The statements that distribute tables, and what is said where that cannot be done: from facts, without a database.

import { describe, expect, test } from 'vitest';
import { judgeCitus } from '../../src/doctor/judge-database.ts';
import { type CitusFacts, type CitusTable, findRefusals, planDistribution } from '../../src/postgres/citus.ts';

const local = (name: string): CitusTable => ({ name, kind: 'local', group: null, triggers: [] });
const single = (name: string, group = 7): CitusTable => ({ name, kind: 'single', group, triggers: [] });

const facts = (given: Partial<CitusFacts> = {}): CitusFacts => ({
  version: '13.2-1',
  isCoordinator: true,
  tables: [local('twilio.conversations'), local('twilio.participants'), local('twilio_sync.lease')],
  foreignKeys: [],
  functions: [],
  readers: [],
  views: [],
  nodes: 2,
  node: null,
  ...given,
});

const key = {
  table: 'twilio.participants',
  references: 'twilio.conversations',
  name: 'to_conversation',
  definition: 'FOREIGN KEY (conversation_id) REFERENCES twilio.conversations(id) ON DELETE CASCADE',
};

describe('the statements', () => {
  test('put all tables into one group, and leave no hidden rows behind', () => {
    const statements = planDistribution(facts());
    expect(statements.filter((each) => each.includes('create_distributed_table'))).toEqual([
      `select create_distributed_table('twilio.conversations', null, colocate_with => 'none')`,
      `select create_distributed_table('twilio.participants', null, colocate_with => 'twilio.conversations')`,
      `select create_distributed_table('twilio_sync.lease', null, colocate_with => 'twilio.conversations')`,
    ]);
    expect(statements.filter((each) => each.includes('truncate_local_data'))).toHaveLength(3);
  });

  test('drop foreign keys first, and make them again last', () => {
    const statements = planDistribution(facts({ foreignKeys: [key] }));
    expect(statements[0]).toBe('alter table twilio.participants drop constraint to_conversation');
    expect(statements.at(-1)).toBe(`alter table twilio.participants add constraint to_conversation ${key.definition}`);
  });

  test('put a new table beside those that are distributed, whose foreign keys stay', () => {
    const tables = [single('twilio.conversations'), single('twilio.participants'), local('twilio_sync.notes')];
    expect(planDistribution(facts({ tables, foreignKeys: [key] }))).toEqual([
      `select create_distributed_table('twilio_sync.notes', null, colocate_with => 'twilio.conversations')`,
      `select truncate_local_data_after_distributing_table('twilio_sync.notes')`,
    ]);
  });

  test('are none where nothing is left to do', () => {
    const tables = [single('twilio.conversations'), single('twilio_sync.lease')];
    expect(planDistribution(facts({ tables, foreignKeys: [key] }))).toEqual([]);
  });

  test('quote names of schemas', () => {
    const tables = [local(`"it's".conversations`)];
    expect(planDistribution(facts({ tables }))[0]).toContain(`('"it''s".conversations', null`);
  });

  test('let functions read tables on the nodes, and views the bookkeeping as their owner', () => {
    const view = {
      schema: 'twilio',
      name: 'coverage',
      columns: [{ name: 'day', type: 'date' }],
      query: `SELECT 'a'::text`,
      owner: 'Worker',
    };
    const statements = planDistribution(
      facts({ functions: ['twilio.f()'], readers: ['twilio.f()'], views: [view] }),
    ).slice(-6);
    expect(statements).toEqual([
      `select create_distributed_function('twilio.f()')`,
      'alter function twilio.f() set citus.allow_nested_distributed_execution = on',
      expect.stringMatching(
        /^create or replace function "twilio"."coverage_rows"\(\) returns table \("day" date\) .*security definer/,
      ),
      `alter function "twilio"."coverage_rows"() owner to "Worker"`,
      expect.stringContaining('comment on function'),
      'create or replace view "twilio"."coverage" as select * from "twilio"."coverage_rows"()',
    ]);
  });
});

describe('what stands in the way is said with what to do', () => {
  const refusals: [what: string, given: Partial<CitusFacts>, said: RegExp][] = [
    ['no extension', { version: null, tables: [] }, /has no Citus: .*create extension citus/],
    ['an old one', { version: '11.3-1' }, /Citus 11\.3-1 has no tables of one shard: update it to 12 or later/],
    ['a worker', { isCoordinator: false }, /connect to the coordinator/],
    [
      'another way of distribution',
      { tables: [{ ...local('twilio.conversations'), kind: 'other' }] },
      /twilio\.conversations is distributed in another way: .*undistribute_table/,
    ],
    ['two groups', { tables: [single('a.a', 1), single('a.b', 2)] }, /2 colocation groups/],
    [
      'triggers',
      { tables: [{ ...local('twilio.conversations'), triggers: ['mine'] }] },
      /drop mine on twilio\.conversations/,
    ],
    [
      "a foreign key of somebody's",
      { foreignKeys: [{ ...key, table: 'public.notes', name: 'notes_fk' }] },
      /the foreign key notes_fk leads from public\.notes to twilio\.conversations/,
    ],
  ];
  test.each(refusals)('%s', (_, given, said) => {
    const found = findRefusals(facts(given));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(said);
  });

  test('nothing: nothing is said', () => expect(findRefusals(facts({ foreignKeys: [key] }))).toEqual([]));
});

describe('doctor', () => {
  const all = [single('twilio.conversations'), single('twilio_sync.lease')];
  test.each([
    ['all on one node', { tables: all, node: 'w1:5432' }, 'ok', /all 2 tables lie on w1:5432, one of 2/],
    ['none', {}, 'warn', /not distributed/],
    ['some', { tables: [...all, local('twilio_sync.due')] }, 'fail', /2 of 3 tables are distributed/],
    ['two groups', { tables: [single('a.a', 1), single('a.b', 2)] }, 'fail', /2 of 2/],
    ['no workers', { tables: all, node: 'c:5432', nodes: 0 }, 'warn', /no node takes tables/],
    ['an old release', { version: '11.0-1' }, 'warn', /not distributed/],
  ] as [string, Partial<CitusFacts>, string, RegExp][])('%s', (_, given, mark, found) => {
    const finding = judgeCitus(facts(given));
    expect(finding).toMatchObject({ mark, found: expect.stringMatching(found) });
    expect(finding.todo === null).toBe(mark === 'ok');
  });
});
