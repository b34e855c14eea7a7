// The schemas' names in SQL: wherever they stand, and nowhere else.

import { expect, test } from 'vitest';
import { createSchemaNames, verbatim } from '../../src/postgres/schemas.ts';

const named = createSchemaNames(`o'"d`);

test.each([
  ['select * from twilio.a join twilio_sync.b', `select * from "o'""d".a join "o'""d_sync".b`],
  ['create table "twilio"."a"', `create table "o'""d"."a"`],
  [`nspname in ('twilio', 'twilio_sync')`, `nspname in ('o''"d', 'o''"d_sync')`],
  [`'twilio'::regnamespace`, `'"o''""d"'::regnamespace`],
  [`to_regnamespace('twilio_sync')`, `to_regnamespace('"o''""d_sync"')`],
  [`to_regclass('twilio_sync.lease')`, `to_regclass('"o''""d_sync".lease')`],
  [`comment on x is 'see twilio.a, it''s'`, `comment on x is 'see "o''""d".a, it''s'`],
  [`-- twilio's own\nselect 'Twilio', twilio_all, mytwilio`, `-- twilio's own\nselect 'Twilio', twilio_all, mytwilio`],
])('%s', (text, expected) => {
  expect(named(text)).toBe(expected);
  expect(createSchemaNames('twilio')(text)).toBe(text);
});

test('what is final stays as it is', () => {
  expect(named(verbatim('alter role twilio'))).toContain('alter role twilio');
});
