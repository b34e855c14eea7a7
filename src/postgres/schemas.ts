// The one place that knows what the schemas are called. SQL is written for `twilio` and `twilio_sync`; the real names are put in
// when it is sent, in statements and in migrations alike. Accounts with schemas of their own share the statements.

import pg from 'pg';

/** The schema that every statement is written for. */
export const writtenFor = 'twilio';

/** The schema of the worker's own tables, beside that of the tables people query. */
export const bookkeepingOf = (schema: string): string => `${schema}_sync`;

/** The schema of views without personal data. */
export const anonymousOf = (schema: string): string => `${schema}_anonymous`;

const mark = '/* names are final */ ';

/** SQL in which names stand as they are to be: a role or a database may be called `twilio` too. */
export const verbatim = (text: string): string => mark + text;

// What may hold `twilio` in another meaning than the others is matched first.
const tokens = new RegExp(
  [
    /(?<comment>--[^\n]*)/,
    /(?<reading>(?<=to_regnamespace\()'twilio(?:_sync)?'|'twilio(?:_sync)?'(?=::regnamespace))/,
    /(?<plain>'twilio(?:_sync)?')/,
    /(?<literal>'(?:[^']|'')*')/,
    /(?<name>"?\btwilio(?:_sync)?\b"?)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

/** A schema's name as SQL has it: as an identifier, as a text, and as a text that is read as an identifier. */
const formsOf = (name: string) => {
  const identifier = pg.escapeIdentifier(name);
  return { identifier, plain: pg.escapeLiteral(name), reading: pg.escapeLiteral(identifier) };
};
const namesOf = (schema: string) => ({ tables: formsOf(schema), bookkeeping: formsOf(bookkeepingOf(schema)) });
type Names = ReturnType<typeof namesOf>;

/** A statement, cut where a schema's name has to be put in. */
type Cut = readonly (string | ((names: Names) => string))[];

// Most statements are constants; those that are not are few. They are kept once for all schemas: with a thousand accounts, a copy for
// each would take hundreds of megabytes.
const cuts = new Map<string, Cut>();
const mostCuts = 1_000;

function cutOf(text: string): Cut {
  const found = cuts.get(text) ?? cut(text);
  if (cuts.size < mostCuts) cuts.set(text, found);
  return found;
}

function cut(text: string): Cut {
  const pieces: (string | ((names: Names) => string))[] = [];
  let end = 0;
  for (const { 0: token, index, groups = {} } of text.matchAll(tokens)) {
    const put = putFor(token, groups);
    if (put === undefined) continue;
    pieces.push(text.slice(end, index), put);
    end = index + token.length;
  }
  return [...pieces, text.slice(end)];
}

/** What is put in place of a token; undefined: it stays. */
function putFor(token: string, { comment, plain, reading, literal }: Record<string, string | undefined>) {
  const formOf = (written: string) => (written.includes('_sync') ? 'bookkeeping' : 'tables');
  if (comment !== undefined || (literal !== undefined && !token.includes('twilio'))) return undefined;
  // A schema's plain name, or one that Postgres reads as an identifier.
  if (plain !== undefined) return (names: Names) => names[formOf(token)].plain;
  if (reading !== undefined) return (names: Names) => names[formOf(token)].reading;
  if (literal === undefined) return (names: Names) => names[formOf(token)].identifier;
  return (names: Names) =>
    token.replace(/"?\btwilio(_sync)?\b"?/g, (name) => names[formOf(name)].identifier.replaceAll("'", "''"));
}

/** Makes what puts a schema's names into SQL. */
export function createSchemaNames(schema: string): (text: string) => string {
  const names = namesOf(schema);
  return (text) => {
    if (text.startsWith(mark)) return text.slice(mark.length);
    if (schema === writtenFor) return text;
    return cutOf(text)
      .map((piece) => (typeof piece === 'string' ? piece : piece(names)))
      .join('');
  };
}
