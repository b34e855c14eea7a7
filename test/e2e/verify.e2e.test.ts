// `verify` as a user meets it: it says "repaired" only of what it has found equal afterwards, and nothing is no success.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open({ conversations: 40, days: 10 });
});

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const finish = (args: string[], env = {}) => stage.processes.finish(args, { ...stage.env, ...env });

test('an empty copy has nothing to verify; all is equal after a sync', async () => {
  expect(await finish(['verify'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Checked 0 conversations: /),
  });
  expect(await finish(['sync'])).toMatchObject({ code: 0 });
  expect(await finish(['verify', '--full'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Checked 40 conversations and [1-9]\d* operator results: 0 have drifted/),
  });
});

test('a repair by the running worker: JSON alone on stdout, and what is equal afterwards is repaired', async () => {
  const [altered = '', emptied = ''] = stage.simulator.source.ids();
  await stage.client.query(`update twilio.participants set name = 'Mallory' where conversation_id = $1`, [altered]);
  await stage.client.query('delete from twilio.communications where conversation_id = $1', [emptied]);
  const worker = await stage.processes.start(['run'], stage.env);
  await worker.saw(/this worker holds the lease/);
  const { code, stdout, stderr } = await finish(['verify', '--full', '--repair', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('Asked the running worker for it.') });
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ checked: 40, drift: 2, repaired: 2, standing: 0, afterRepair: [] });
  expect(report.findings.map(({ id }: { id: string }) => id).sort()).toEqual([altered, emptied].sort());
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
  expect(await stage.differences()).toEqual([]);
});

test('what a trigger undoes at each write is never repaired: exit status 4, with what still differs', async () => {
  await stage.client.query(`
    create function keep_no_text() returns trigger language plpgsql as $$ begin new.text := null; return new; end $$;
    create trigger keep_no_text before insert or update on twilio.communications for each row execute function keep_no_text();
    update twilio.communications set text = text`);
  const people = await finish(['verify', '--full', '--repair']);
  expect(people.code).toBe(4);
  expect(people.stdout).toMatch(/^Repaired 0; 40 still differ\.$/m);
  expect(people.stdout).toMatch(/^conv_\S+ {2}still drift: communications\.text$/m);
  const { code, stdout } = await finish(['verify', '--full', '--repair', '--json']);
  const report = JSON.parse(stdout);
  expect({ code, ...report, findings: report.findings.length }).toMatchObject({
    code: 4,
    drift: 40,
    findings: 40,
    repaired: 0,
    standing: 40,
  });
  expect(new Set(report.afterRepair.map((each: object) => JSON.stringify({ ...each, id: '' })))).toEqual(
    new Set([JSON.stringify({ id: '', kind: 'drift', where: ['communications.text'] })]),
  );
  await stage.client.query('drop trigger keep_no_text on twilio.communications');
  expect(await finish(['verify', '--full', '--repair'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Repaired 40; 0 still differ\.$/m),
  });
  expect(await stage.differences()).toEqual([]);
});

test('where no row can be read, nothing was verified: exit status 1, and why that may be', async () => {
  await stage.client.query('truncate twilio.conversations cascade');
  for (const args of [['verify'], ['verify', '--full']]) {
    const { code, stdout } = await finish(args);
    const says = expect.stringMatching(/^Incomplete: none of .+ can be read: were their rows deleted/m);
    expect({ code, stdout }).toEqual({ code: 1, stdout: says });
  }
  expect(await finish(['verify', '--full', '--repair'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Repaired 40; 0 still differ\.$/m),
  });
  expect(await stage.differences()).toEqual([]);
});
