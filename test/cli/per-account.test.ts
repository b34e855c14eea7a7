// A command that works on one account after the other: what is printed, what is said of trouble, and which exit status counts.

import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { chosenOf, inTurn, refuseOther, type Turn } from '../../src/cli/per-account.ts';
import { ConfigError } from '../../src/config/config.ts';

const acme = { sid: `AC${'1'.repeat(32)}`, schema: 'twilio_acme' };
const bolt = { sid: `AC${'2'.repeat(32)}`, schema: 'twilio_bolt' };

/** A turn that prints a line and ends with a status, or fails. */
const turnOf = (account: Pick<Turn, 'sid' | 'schema'>, outcome: number | Error, prints = 'done'): Turn => ({
  ...account,
  async run(terminal) {
    terminal.write(prints);
    if (outcome instanceof Error) throw outcome;
    return outcome;
  },
});

async function play(turns: Turn[], { json = false, signal = new AbortController().signal } = {}) {
  const written: string[] = [];
  const progress = new PassThrough();
  const write = (line: string) => void written.push(line);
  const terminal = { write, progress, interactive: false, ask: async () => null };
  const status = await inTurn(turns, { terminal, json })(signal).finally(() => progress.end());
  return { status, written, said: await text(progress) };
}

describe('the exit status is the first that holds for any account', () => {
  test.each([
    [[0, 0], 0],
    [[0, 3], 3],
    [[3, 4], 4],
    [[4, 1, 3], 1],
    [[1, 2, 4], 2],
  ])('%j: %i', async (statuses, status) => {
    for (const each of [statuses, statuses.toReversed()])
      expect((await play(each.map((outcome) => turnOf(acme, outcome)))).status).toBe(status);
  });
});

test('lines stand under the heading of their account, which is a comment in SQL', async () => {
  const odd = { sid: bolt.sid, schema: 'a\nschema' };
  const { written } = await play([turnOf(acme, 0, 'grant this;'), turnOf(odd, 0, 'grant that;')]);
  expect(written.join('\n').split('\n')).toEqual([
    `-- account ${acme.sid}, schema twilio_acme`,
    'grant this;',
    '',
    `-- account ${bolt.sid}, schema a schema`,
    'grant that;',
  ]);
});

test('JSON becomes a list, with an error in place of what could not be done', async () => {
  const turns = [turnOf(acme, new Error('no answer'), '{"state": "loading"}'), turnOf(bolt, 3, '{"state": "in_sync"}')];
  const { status, written, said } = await play(turns, { json: true });
  expect(written.map((line) => JSON.parse(line))).toEqual([
    {
      accounts: [
        { account: acme.sid, schema: 'twilio_acme', state: 'loading', error: 'no answer' },
        { account: bolt.sid, schema: 'twilio_bolt', state: 'in_sync' },
      ],
    },
  ]);
  expect({ status, said }).toEqual({ status: 1, said: '' });
});

test('trouble is said of its account, in the names of the file, and costs no other', async () => {
  const wrong = new ConfigError([{ setting: 'start', message: 'accounts[1]: start takes a date' }]);
  const { status, written, said } = await play([
    turnOf(acme, new Error('TWILIO_API_KEY is refused')),
    turnOf({ sid: null, schema: null }, wrong),
    turnOf(bolt, 0),
  ]);
  expect(said).toBe(`account ${acme.sid}, schema twilio_acme: apiKey is refused\naccounts[1]: start takes a date\n`);
  expect(written).toContain('\n-- an account without a SID');
  expect(written.at(-1)).toBe('done');
  expect(status).toBe(2);
});

test('a signal ends it: no other account is begun', async () => {
  const controller = new AbortController();
  const reason = new Error('a signal');
  const ending: Turn = {
    ...acme,
    async run() {
      controller.abort(reason);
      throw new Error('the work was cut off');
    },
  };
  let begun = false;
  const next: Turn = {
    ...bolt,
    async run() {
      begun = true;
      return 0;
    },
  };
  await expect(play([ending, next], { signal: controller.signal })).rejects.toThrow('the work was cut off');
  await expect(play([next], { signal: controller.signal })).rejects.toBe(reason);
  expect(begun).toBe(false);
});

test('--account names an account by its SID or its schema, and nothing else', () => {
  const turns = [turnOf(acme, 0), turnOf(bolt, 0)];
  expect(chosenOf(turns, undefined)).toEqual(turns);
  for (const name of [bolt.sid, bolt.schema]) expect(chosenOf(turns, name)).toEqual([turns[1]]);
  expect(() => chosenOf(turns, 'twilio_blot')).toThrow('the schema twilio_blot; did you mean twilio_bolt?');
  expect(() => chosenOf(turns, undefined, '--export')).toThrow('--export: choose the account with --account');
  expect(chosenOf(turns, acme.sid, '--export')).toEqual([turns[0]]);
});

test('without a file, it may name the one account', () => {
  for (const name of [undefined, acme.sid, acme.schema]) refuseOther(name, acme.sid, acme.schema);
  expect(() => refuseOther(bolt.sid, acme.sid, acme.schema)).toThrow(`the one account is ${acme.sid}, schema`);
  expect(() => refuseOther(bolt.sid, undefined, 'twilio')).toThrow('the one account is schema twilio');
});
