// The one place that knows what the schemas are called. SQL is written for `twilio` and `twilio_sync`; a connection with
// another SYNC_SCHEMA puts the real names in, in statements and in migrations alike.

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

/** Makes what puts a schema's names into SQL. */
export function createSchemaNames(schema: string): (text: string) => string {
  const known = new Map<string, string>();
  const nameOf = (written: string) => (written.includes('_sync') ? bookkeepingOf(schema) : schema);
  const identifier = (written: string) => pg.escapeIdentifier(nameOf(written));
  const withinLiteral = (text: string) =>
    text.replace(/"?\btwilio(_sync)?\b"?/g, (written) => identifier(written).replaceAll("'", "''"));
  const translate = (text: string) =>
    text.replace(tokens, (token, ...rest) => {
      const { comment, reading, plain, literal } = rest.at(-1) as Record<string, string | undefined>;
      if (comment !== undefined) return token;
      // A schema's plain name, or one that Postgres reads as an identifier.
      if (plain !== undefined) return pg.escapeLiteral(nameOf(token));
      if (reading !== undefined) return pg.escapeLiteral(identifier(token));
      return literal === undefined ? identifier(token) : withinLiteral(token);
    });
  return (text) => {
    if (text.startsWith(mark)) return text.slice(mark.length);
    if (schema === writtenFor) return text;
    const found = known.get(text) ?? translate(text);
    // Most statements are constants; those that are not are few.
    if (known.size < 1_000) known.set(text, found);
    return found;
  };
}
