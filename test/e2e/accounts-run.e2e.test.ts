// `run` with an accounts file, as its operator meets it: accounts come, go and change without a restart, one in trouble costs the others
// nothing, and metrics, pages and webhooks are those of each.

import { expect, test } from 'vitest';
import { startPushes } from '../../src/simulator/pushes.ts';
import { Many } from './many.ts';
import { type Running, until } from './process.ts';
import { momentsAgo } from './stage.ts';

const listening = /"url":"(http:[^"]+)","msg":"listening"/;

async function startRun(many: Many, env: Record<string, string> = {}): Promise<{ worker: Running; url: string }> {
  await many.write();
  const worker = await many.processes.start(['run'], { ...many.env, ...env });
  const [, url = ''] = await worker.saw(listening);
  return { worker, url };
}

const textOf = async (url: string) => await (await fetch(url)).text();

/** The samples of a metric by the account's SID. */
async function samples(url: string, name: string): Promise<Record<string, number>> {
  const lines = (await textOf(`${url}/metrics`)).matchAll(
    new RegExp(`^conversation_sync_${name}\\{account="(\\w*)"\\} (.*)$`, 'gm'),
  );
  return Object.fromEntries(Array.from(lines, ([, account = '', value]) => [account, Number(value)]));
}

test('three accounts in one process, and what its server says of each', async () => {
  await using many = await Many.open(['twilio_acme', 'twilio_bolt', 'twilio_core']);
  const [acme, bolt, core] = many.members.map(({ sid }) => sid) as [string, string, string];
  const { worker, url } = await startRun(many);
  await many.equal('twilio_acme', 'twilio_bolt', 'twilio_core');
  await until(
    () => samples(url, 'in_sync'),
    (found) => Object.values(found).every((each) => each === 1),
  );
  expect(await samples(url, 'lease_held')).toEqual({ [acme]: 1, [bolt]: 1, [core]: 1 });
  expect(await samples(url, 'conversations_stored_total')).toEqual({ [acme]: 60, [bolt]: 60, [core]: 60 });
  const metrics = await textOf(`${url}/metrics`);
  expect(metrics).toMatch(/^conversation_sync_ready 1$/m);
  expect(metrics).toMatch(/^conversation_sync_load_duration_seconds_count \d+$/m);
  expect(metrics.split('\n').filter((line) => /_bucket\{.*account=/.test(line))).toEqual([]);
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ ready: true, code: 'working' });

  const list = await until(
    () => textOf(url),
    (page) => page.includes('<title>3 accounts in sync · '),
  );
  for (const { schema, sid } of many.members) {
    expect(list).toContain(`href="accounts/${schema}"`);
    const page = await textOf(`${url}/accounts/${schema}`);
    expect(page).toContain(` · ${schema} · conversation-sync</title>`);
    expect(page).toContain(`<code>${sid}</code>`);
    const [, style = ''] = /rel="stylesheet" href="([^"]+)"/.exec(page) ?? [];
    expect((await fetch(new URL(style, `${url}/accounts/${schema}`))).status).toBe(200);
  }
  expect((await fetch(`${url}/accounts/twilio_none`)).status).toBe(404);

  // What is across all accounts, once all are migrated.
  const client = await many.client('twilio_acme');
  const across = async () => {
    const text = `select account_id, count(*)::int as count from twilio_all.conversations group by account_id order by 1`;
    return (await client.query<{ account_id: string; count: number }>(text).catch(() => ({ rows: [] }))).rows;
  };
  expect(await until(across, (rows) => rows.length === 3)).toEqual(
    [acme, bolt, core].map((account_id) => ({ account_id, count: 60 })),
  );
  worker.kill('SIGTERM');
  const { code, output } = await worker.ended;
  expect(code).toBe(0);
  expect(output).not.toMatch(/"level":"error"/);
  // Whose line it is.
  const passes = output.split('\n').filter((line) => line.includes('"msg":"pass"'));
  expect(new Set(passes.map((line) => JSON.parse(line).account))).toEqual(new Set([acme, bolt, core]));
  for (const { schema } of many.members) expect(await many.leaseHolder(schema)).toBe(null);
  const { rows } = await client.query('select from twilio_all_sync.replicas');
  expect(rows).toEqual([]);
});

test('an account whose API hangs, refuses everything or lies costs the others nothing', async () => {
  await using many = await Many.open(['hangs', 'refuses', 'lies', 'fine']);
  const [hangs, refuses, lies, fine] = many.members.map(({ api }) => api);
  hangs?.faults.add({ on: 'any', fault: { kind: 'silence', at: 'head' } });
  refuses?.faults.add({ on: 'any', fault: { kind: 'status', status: 401 } });
  lies?.faults.add({ on: 'any', fault: { kind: 'html' } });
  const { worker, url } = await startRun(many);
  await many.equal('fine');
  // So often that whoever waited for the others would not get there.
  for (let times = 0; times < 5; times += 1) {
    fine?.source.create({ createdAt: momentsAgo() });
    await many.equal('fine');
  }
  const of = (schema: string) => many.member(schema).sid;
  await until(
    () => samples(url, 'in_sync'),
    (found) => found[of('fine')] === 1 && found[of('refuses')] === 0 && found[of('lies')] === 0,
  );
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ ready: true, code: 'working' });
  const list = await textOf(url);
  expect(list).toMatch(/<title>1 of 4 accounts in sync · /);
  expect(list).toContain('the API refused the key');
  worker.kill('SIGTERM');
  const { code, output } = await worker.ended;
  expect(code).toBe(0);
  expect(output).not.toMatch(/not done within/);
});

test('accounts come, go and change with the file; one that is broken, or cannot be read, changes nothing', async () => {
  await using many = await Many.open(['twilio_acme', 'twilio_bolt', 'twilio_core'], 30);
  const { worker, url } = await startRun(many);
  await many.equal('twilio_acme', 'twilio_bolt', 'twilio_core');
  const held = async () => Object.keys(await samples(url, 'lease_held')).length;
  const epochs = async () => {
    const { rows } = await (await many.client('twilio_acme')).query('select epoch from twilio_sync.lease');
    return rows;
  };
  const before = await epochs();

  await many.write('{"accounts": [');
  await worker.saw(/"level":"error"[^\n]*is not JSON[^\n]*the accounts file cannot be used; the accounts stay/);
  many.member('twilio_bolt').api.source.create({ createdAt: momentsAgo() });
  await many.equal('twilio_bolt');

  // One comes, one goes, one changes; one of them is wrong, and goes on as it was.
  await many.add('twilio_dune', 30);
  const [acme, bolt, core, dune] = many.members.map(({ entry }) => entry);
  const changed = { ...bolt, schedule: '*/2 * * * * *' };
  await many.write(JSON.stringify({ accounts: [{ ...acme, start: 'soon' }, changed, dune] }));
  await worker.saw(/"level":"error"[^\n]*"problems":\["[^"]*start[^\n]*entries of the accounts file are wrong/);
  await worker.saw(/"begun":2,"ended":2,"accounts":3,"msg":"the accounts file has changed"/);
  await many.equal('twilio_acme', 'twilio_bolt', 'twilio_dune');
  expect(await held()).toBe(3);
  expect(await epochs()).toEqual(before);
  expect(await many.leaseHolder('twilio_core')).toBe(null);
  expect((await fetch(`${url}/accounts/twilio_core`)).status).toBe(404);
  const list = await textOf(url);
  expect(list).toContain('Wrong in SYNC_ACCOUNTS_FILE');
  // Its tables stay.
  expect(await many.differencesOf('twilio_core')).toEqual([]);

  // The changed account works, and the one that left is not asked any more.
  const requests = many.member('twilio_core').api.requests.total;
  many.member('twilio_bolt').api.source.create({ createdAt: momentsAgo() });
  await many.equal('twilio_bolt');
  expect(many.member('twilio_core').api.requests.total).toBe(requests);

  // It comes back.
  await many.write(JSON.stringify({ accounts: [acme, changed, dune, core] }));
  many.member('twilio_core').api.source.create({ createdAt: momentsAgo() });
  await many.equal('twilio_core');
  worker.kill('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0 });
});

test('an account whose entry is wrong from the start stays in the views over all', async () => {
  await using many = await Many.open(['twilio_acme', 'twilio_bolt'], 5);
  await many.write();
  expect((await many.processes.finish(['migrate'], many.env)).code).toBe(0);
  const client = await many.client('twilio_acme');
  await client.query('drop view twilio_all.participants');
  many.member('twilio_bolt').entry['start'] = 'soon';
  const { worker } = await startRun(many);
  await worker.saw(/"made":\["participants"\],"dropped":\[\],"msg":"views over all accounts were made"/);
  const { rows } = await client.query(`select pg_get_viewdef('twilio_all.participants'::regclass) as of`);
  expect(rows).toEqual([{ of: expect.stringMatching(/twilio_acme.*twilio_bolt/s) }]);
});

test('webhooks come in by account, each with its own key', async () => {
  const never = { SYNC_SCHEDULE: '0 0 1 1 *', LOOKBACK_SCHEDULE: '0 0 1 1 *', RECONCILE_SCHEDULE: '0 0 1 1 *' };
  await using many = await Many.open(['twilio_acme', 'twilio_bolt'], 20);
  const entered = 'https://hooks.example.com/twilio%20hook?tenant=7';
  const { worker, url } = await startRun(many, { ...never, WEBHOOK_PORT: '0', WEBHOOK_URL: entered });
  const [, target = ''] = await worker.saw(/"url":"(http:[^"]+)","msg":"taking webhooks"/);
  await many.equal('twilio_acme', 'twilio_bolt');
  const [acme, bolt] = many.members.map(({ sid, api }) => ({ sid, api, authToken: api.credentials.authToken }));
  if (acme === undefined || bolt === undefined) throw new Error('two accounts were asked for');
  const urlOf = (sid: string) => `https://hooks.example.com/twilio%20hook/${sid}?tenant=7`;
  const pushTo = (to: typeof acme, signedBy: typeof acme, sid: string) =>
    startPushes({
      source: to.api.source,
      url: urlOf(sid),
      target: `${target}/rewritten/${sid}`,
      authToken: signedBy.authToken,
    });
  for (const each of [acme, bolt]) {
    await using pushes = pushTo(each, each, each.sid);
    each.api.source.create({ name: 'New', participants: [{ id: 'p', addressValues: ['x'] }] });
    await pushes.settled();
    expect([...pushes.statuses.keys()]).toEqual([204]);
  }
  await many.equal('twilio_acme', 'twilio_bolt');

  // Signed with another account's key; for nobody's account; and of an account under the other's URL.
  for (const [signedBy, sid] of [
    [bolt, acme.sid],
    [acme, `AC${'f'.repeat(32)}`],
    [acme, bolt.sid],
  ] as const) {
    await using pushes = pushTo(acme, signedBy, sid);
    acme.api.source.create({ name: 'Refused' });
    await pushes.settled();
    expect([...pushes.statuses.keys()]).toEqual([403]);
  }
  const refused = async () =>
    Array.from(
      (await textOf(`${url}/metrics`)).matchAll(/webhooks_total\{account="(\w*)",outcome="refused"\} (\d+)/g),
      ([, account, count]) => [account, Number(count) > 0],
    );
  expect(Object.fromEntries(await refused())).toEqual({ '': true, [acme.sid]: true, [bolt.sid]: true });
  worker.kill('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0 });
});

test('only where all accounts are wrong it ends with 2', async () => {
  await using many = await Many.open(['twilio_acme', 'twilio_bolt'], 1);
  const [acme, bolt] = many.members.map(({ entry }) => entry);
  await many.write(
    JSON.stringify({
      accounts: [
        { ...acme, start: 'soon' },
        { ...bolt, schema: 'twilio_acme' },
      ],
    }),
  );
  const wrong = await many.processes.finish(['run'], many.env);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(/accounts\[0\][^\n]*start[^\n]*\n[^\n]*accounts\[/);

  // Both schemas hold other accounts.
  await many.write();
  expect(await many.processes.finish(['sync'], many.env)).toMatchObject({ code: 0 });
  const swapped = JSON.stringify({
    accounts: [
      { ...acme, schema: 'twilio_bolt' },
      { ...bolt, schema: 'twilio_acme' },
    ],
  });
  await many.write(swapped);
  const others = await many.processes.finish(['run'], many.env);
  expect(others.code).toBe(2);
  expect(others.stderr).toMatch(/account/);
});

test('replicas share the accounts, and take over those of one that is killed', async () => {
  await using many = await Many.open(['twilio_acme', 'twilio_bolt', 'twilio_core', 'twilio_dune'], 20);
  const schemas = many.members.map(({ schema }) => schema);
  const holders = async () => {
    const found = new Map<string, string[]>();
    for (const schema of schemas) {
      const [, pid = 'nobody'] = /process (\d+)/.exec((await many.leaseHolder(schema)) ?? '') ?? [];
      found.set(pid, [...(found.get(pid) ?? []), schema]);
    }
    return found;
  };
  const { worker: first } = await startRun(many);
  await many.equal(...schemas);
  expect([...(await holders()).keys()]).toEqual([String(first.pid)]);

  const { worker: second, url } = await startRun(many);
  const shared = await until(holders, (found) =>
    [first, second].every(({ pid }) => found.get(String(pid))?.length === 2),
  );
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ ready: true, code: 'working' });
  expect(Object.values(await samples(url, 'lease_held')).toSorted()).toEqual([0, 0, 1, 1]);
  for (const { api } of many.members) api.source.create({ createdAt: momentsAgo() });
  await many.equal(...schemas);

  first.kill('SIGKILL');
  await first.ended;
  const taken = shared.get(String(first.pid)) ?? [];
  for (const schema of taken) many.member(schema).api.source.create({ createdAt: momentsAgo() });
  await until(holders, (found) => found.get(String(second.pid))?.length === 4);
  await many.equal(...schemas);
  second.kill('SIGTERM');
  expect(await second.ended).toMatchObject({ code: 0 });
});
