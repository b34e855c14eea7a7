// The views for BI on odd data, each row held to the same thing computed in JavaScript from what the API holds; and what
// they cost: one conversation, and one day of them, are looked up, never everything read.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentTypes, clean, type Held, holds } from '../held.ts';
import { World } from '../world.ts';

type Row = Record<string, unknown>;

let world: World;
let held: Held[];
let deletedId: string;
let silentId: string;

beforeAll(async () => {
  world = await World.open({ conversations: 500, days: 45, wild: true, crowd: 20 });
  const [gone = '', silent = '', strange = ''] = world.source.ids().slice(100);
  silentId = silent;
  world.source.put({ ...world.source.get(silent), participants: [], communications: [], channels: [] });
  const { participants, ...rest } = world.source.get(strange);
  world.source.put({ ...rest, participants: (participants ?? []).map((each) => ({ ...each, type: 'ROBOT' })) });
  await world.sync();
  deletedId = gone;
  held = world.source.all().map(holds);
  world.source.remove(gone);
  await world.sync({ reconcile: true });
  expect(await world.differences()).toEqual([]);
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

async function rows(sql: string, parameters: unknown[] = []): Promise<Row[]> {
  const client = await world.pool.connect();
  try {
    await client.query(`set timezone = 'Asia/Kathmandu'`);
    const answer = await client.query<{ row: Row }>(`select to_jsonb(a) as row from (${sql}) as a`, parameters);
    return answer.rows.map(({ row }) => row);
  } finally {
    client.release();
  }
}

const typeOf = ({ participants }: Held, id: string | null) => participants.get(id ?? '')?.type ?? '';
const isAgent = (type: string | null | undefined) => agentTypes.includes(type ?? '');
const first = (values: string[] | null | undefined) => (values ?? []).toSorted()[0] ?? null;
const name = (text: string | null | undefined) => (typeof text === 'string' ? clean(text) : null);

function overviewOf(conversation: Held): Row {
  const { id, status, channels, results, participants, communications } = conversation;
  const times = communications.flatMap(({ us }) => (us === null ? [] : Number(us)));
  const said = communications
    .flatMap((each, position) =>
      each.us === null ? [] : { at: each.us, position, type: typeOf(conversation, each.participantId) },
    )
    .sort((a, b) => Number(a.at - b.at) || a.position - b.position);
  const asked = said.findIndex(({ type }) => type === 'CUSTOMER');
  const answered = asked === -1 ? undefined : said.slice(asked).find(({ type }) => isAgent(type));
  const by = (match: (type: string) => boolean) =>
    communications.filter(({ participantId }) => match(typeOf(conversation, participantId))).length;
  const customer = [...participants.values()].find(({ type }) => type === 'CUSTOMER');
  const agents = [...participants.values()].filter(({ type }) => isAgent(type));
  const agent = agents.find(({ type }) => type !== 'AI_AGENT') ?? agents[0];
  return {
    conversation_id: id,
    status,
    is_open: (status === 'ACTIVE' || status === 'INACTIVE') && id !== deletedId,
    deleted: id === deletedId,
    channels: channels.toSorted(),
    duration_seconds: times.length === 0 ? null : (Math.max(...times) - Math.min(...times)) / 1e6,
    first_response_seconds: answered ? Number(answered.at - (said[asked]?.at ?? 0n)) / 1e6 : null,
    first_response_type: answered?.type ?? null,
    communications: communications.length,
    customer_communications: by((type) => type === 'CUSTOMER'),
    agent_communications: by(isAgent),
    ai_agent_communications: by((type) => type === 'AI_AGENT'),
    other_communications: by((type) => type !== 'CUSTOMER' && !isAgent(type)),
    customer_name: name(customer?.name),
    customer_address: first(customer?.addressValues),
    agent_name: name(agent?.name),
    agent_address: first(agent?.addressValues),
    agent_type: agent?.type ?? null,
    operator_results: results,
  };
}

const byId = (all: Row[]) => new Map(all.map((row) => [String(row['conversation_id']), row]));

describe('conversation_overview', () => {
  test('has a row of each conversation, with what the API holds', async () => {
    const columns = Object.keys(overviewOf(held[0] as Held)).filter((column) => column !== 'deleted');
    const found = byId(
      await rows(`select ${columns.join(', ')}, deleted_at is not null as deleted from twilio.conversation_overview`),
    );
    expect(found.size).toBe(held.length);
    for (const conversation of held) expect(found.get(conversation.id)).toEqual(overviewOf(conversation));
    const all = [...found.values()];
    for (const column of ['first_response_seconds', 'agent_address', 'other_communications', 'deleted', 'is_open'])
      expect(all.filter((row) => row[column]).length, column).toBeGreaterThan(0);
    expect(new Set(all.map((row) => row['agent_type']))).toContain('AI_AGENT');
    expect(found.get(silentId)).toMatchObject({ communications: 0, duration_seconds: null, channels: [] });
  });

  test('is synced when the conversation is, and dated as it is', async () => {
    const differing = await rows(
      `select c.id from twilio.conversations c left join twilio.conversation_overview v on v.conversation_id = c.id
       where (v.name, v.created_at, v.updated_at, v.deleted_at, v.synced_at, v.conversation_configuration_id)
         is distinct from (c.name, c.created_at, c.updated_at, c.deleted_at, c.synced_at, c.conversation_configuration_id)
         or v.first_communication_at is distinct from (select min(created_at) from twilio.communications where conversation_id = c.id)
         or v.last_communication_at is distinct from (select max(created_at) from twilio.communications where conversation_id = c.id)`,
    );
    expect(differing).toEqual([]);
  });
});

test('transcripts have all that was said, in order, a line a communication', async () => {
  const found = byId(await rows('select conversation_id, communications, transcript from twilio.transcripts'));
  expect(found.size).toBe(held.length);
  for (const { id, participants, communications } of held) {
    const lines = communications.map(({ participantId, text, us }) => {
      const at = us === null ? 'no time' : new Date(Number(us / 1000n)).toISOString().slice(0, 19).replace('T', ' ');
      const who = participants.get(participantId ?? '');
      return `[${at}] ${name(who?.name) ?? who?.type ?? participantId ?? 'unknown'}: ${text ?? ''}`;
    });
    expect(found.get(id)).toEqual({ conversation_id: id, communications: lines.length, transcript: lines.join('\n') });
  }
  expect(found.get(silentId)).toMatchObject({ transcript: '' });
});

test('daily_volume counts each conversation that is not deleted under each of its channels', async () => {
  const expected = new Map<string, number>();
  for (const { createdMs, channels, status } of held.filter((each) => each.id !== deletedId)) {
    for (const channel of channels.length === 0 ? ['(none)'] : channels) {
      const key = `${new Date(createdMs).toISOString().slice(0, 10)} ${channel} ${status ?? '(none)'}`;
      expected.set(key, (expected.get(key) ?? 0) + 1);
    }
  }
  const found = await rows('select day, channel, status, conversations from twilio.daily_volume');
  expect(found.some(({ channel }) => channel === '(none)')).toBe(true);
  expect(
    new Map(found.map((row) => [`${row['day']} ${row['channel']} ${row['status']}`, row['conversations']])),
  ).toEqual(expected);
  const [{ day } = {}] = found;
  expect(await rows('select * from twilio.daily_volume where day = $1', [day])).toEqual(
    found.filter((row) => row['day'] === day),
  );
});

test('daily_totals add up to what coverage says is stored, day by day, and have each conversation once', async () => {
  const found = await rows('select day, conversations, open from twilio.daily_totals order by day');
  const stored = 'select day, stored as conversations, open from twilio.coverage';
  const days = (await rows(`${stored} where stored + deleted > 0 order by day`)) as typeof found;
  expect(found).toEqual(days);
  const total = found.reduce((sum, { conversations }) => sum + Number(conversations), 0);
  expect(total).toBe(held.length - 1);
  const [{ volume } = {}] = await rows('select sum(conversations) as volume from twilio.daily_volume');
  expect(Number(volume)).toBeGreaterThan(total);
});

describe('what they cost', () => {
  interface Node {
    'Node Type': string;
    'Relation Name'?: string;
    'Index Cond'?: string;
    Plans?: Node[];
  }

  /** The tables of which a plan reads more than it looks up; the one row that a limit asks of an index is looked up. */
  function readWhole(node: Node, limited = false): string[] {
    const { 'Node Type': type, 'Relation Name': name, 'Index Cond': condition, Plans: below = [] } = node;
    const looksUp = type === 'Bitmap Heap Scan' || (type.startsWith('Index') && (condition !== undefined || limited));
    const own = name === undefined || looksUp ? [] : [name];
    return [...own, ...below.flatMap((each) => readWhole(each, type === 'Limit'))];
  }

  async function plan(sql: string): Promise<Node> {
    const client = await world.pool.connect();
    try {
      // So few rows are read whole sooner than looked up, were that not held against it.
      await client.query('begin; set local enable_seqscan = off');
      const { rows: plans } = await client.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(`explain (format json) ${sql}`);
      const [found] = plans;
      if (found === undefined) throw new Error('no plan');
      return found['QUERY PLAN'][0].Plan;
    } finally {
      await client.query('rollback');
      client.release();
    }
  }

  test.each([
    'select * from twilio.conversation_overview where conversation_id = $id',
    'select * from twilio.transcripts where conversation_id = $id',
    'select * from twilio.conversation_overview where created_at >= $day and created_at < $next',
    'select * from twilio.transcripts where created_at >= $day and created_at < $next',
    'select * from twilio.daily_volume where day = $day',
    'select * from twilio.daily_totals where day = $day',
    'select * from twilio.conversation_overview where synced_at > $day',
  ])('%s', async (sql) => {
    const values: Record<string, string> = { id: `'${silentId}'`, day: `'2026-06-01'`, next: `'2026-06-02'` };
    expect(readWhole(await plan(sql.replace(/\$(\w+)/g, (_, key: string) => values[key] ?? '')))).toEqual([]);
  });

  test('what nobody asks for is not read', async () => {
    const found = JSON.stringify(await plan('select * from twilio.conversation_overview'));
    expect(found.match(/"Relation Name":"\w+"/g)).toEqual(['"Relation Name":"conversations"']);
    expect(readWhole(await plan('select * from twilio.transcripts'))).toEqual(['conversations']);
  });
});
