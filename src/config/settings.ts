// The option table: name, schema, default, texts and type of every setting. config.ts, `--help`, docs/settings.md and the
// types of the values follow from it; a new setting is a new row. Names, meanings and defaults are public: users' compose
// files depend on them.

import type { z } from 'zod';
import * as kinds from './setting-kinds.ts';

/** Parts of the configuration: a command asks for those it needs. */
export type Part = 'api' | 'accounts' | 'database' | 'filters' | 'sync' | 'http' | 'webhook' | 'logLevel';

/** A row. A `secret` may also be in the file that NAME_FILE names. The value of a setting that is not `shown` is in no message. */
export interface Setting extends kinds.Kind<unknown> {
  part: Part;
  /** One phrase, for `--help` and docs/settings.md. Markdown. */
  help: string;
  /** More sentences for docs/settings.md. Markdown. */
  details?: string;
  default?: string;
  secret?: true;
  shown?: false;
  /** The value may begin and end with quotes. */
  verbatim?: true;
}

const account = kinds.pattern('AC and 32 hexadecimal digits', /^AC[0-9a-fA-F]{32}$/);
// A colon would end the user name of HTTP Basic authentication.
const apiKey = kinds.pattern('the SID of an API key, SK…', /^[\x21-\x39\x3b-\x7e]+$/);
// Anything else would let a setting choose the host that the key is sent to.
const place = (takes: string) => kinds.pattern(takes, /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/);
const channels = kinds.someOf('VOICE', 'SMS', 'RCS', 'EMAIL', 'WHATSAPP', 'CHAT', 'API', 'SYSTEM');
const levels = kinds.oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent');

const api = {
  TWILIO_ACCOUNT_SID: { ...account, help: 'SID of the account; required', shown: false },
  TWILIO_API_KEY: {
    ...apiKey,
    help: 'SID of an API key',
    details: 'Either a key with its secret or the auth token is required.',
    secret: true,
  },
  TWILIO_API_SECRET: { ...kinds.word('the secret of the API key'), help: 'secret of the API key', secret: true },
  TWILIO_AUTH_TOKEN: {
    ...kinds.word("the account's auth token"),
    help: 'auth token of the account, in place of an API key',
    secret: true,
  },
  TWILIO_EDGE: { ...place('an edge such as dublin'), help: "edge, as Twilio's Node client reads it" },
  TWILIO_REGION: { ...place('a region such as ie1'), help: "region, as Twilio's Node client reads it" },
  TWILIO_INTELLIGENCE_URL: {
    ...kinds.baseUrl,
    help: 'complete base URL of the API, in place of edge and region',
    shown: false,
  },
  TWILIO_CREATED_FILTER: {
    ...kinds.oneOf('auto', 'createdAtBefore', 'createdBefore'),
    help: 'query parameter that bounds `createdAt`; `auto` finds out which the API honours',
    default: 'auto',
  },
  SYNC_MAX_CONCURRENCY: {
    ...kinds.whole(1, 1000),
    help: 'maximum number of concurrent API requests',
    details: "Below it, the worker learns from the API's 429 answers how many are allowed.",
    default: '32',
  },
  HTTPS_PROXY: {
    ...kinds.proxyUrl,
    help: 'proxy for `https://` URLs; also read as `https_proxy`',
    details: 'If both are set, the lower-case one counts.',
    shown: false,
  },
  HTTP_PROXY: {
    ...kinds.proxyUrl,
    help: 'proxy for `http://` URLs; also read as `http_proxy`',
    details: 'If both are set, the lower-case one counts.',
    shown: false,
  },
  NO_PROXY: {
    ...kinds.text('host names, with commas'),
    help: 'hosts to reach without a proxy; also read as `no_proxy`',
    details:
      'A name includes its subdomains. Addresses, `name:port` and `*` for all work too, and so do networks such as `10.0.0.0/8`, which match hosts given as addresses.',
  },
  NODE_EXTRA_CA_CERTS: {
    ...kinds.text('a readable PEM file'),
    help: 'PEM file of additional certificate authorities to trust',
  },
} as const;

const accounts = {
  SYNC_ACCOUNTS_FILE: {
    ...kinds.text('the path of a readable JSON file'),
    help: 'JSON file of several accounts, in place of `TWILIO_ACCOUNT_SID` and its credentials',
    details: 'See [Many accounts](deploy.md#many-accounts). The other settings give the defaults of its entries.',
  },
} as const;

const database = {
  DATABASE_URL: {
    ...kinds.text('postgres://user:password@host:5432/database'),
    help: 'Postgres 14 or later; PG* variables work too; without either, an embedded Postgres in `./data/postgres`',
    details:
      'Parameters such as `?sslmode=verify-full` follow the URL. What it does not say is taken from `PGHOST`, `PGPORT`, `PGUSER`, `PGDATABASE`, `PGSSLMODE`, `PGSSLROOTCERT`, `PGSSLCERT`, `PGSSLKEY`, `PGSSLCRL`, `PGSSLMINPROTOCOLVERSION`, `PGSSLMAXPROTOCOLVERSION`, `PGHOSTADDR`, `PGOPTIONS`, `PGAPPNAME` and `PGCONNECT_TIMEOUT`.',
    secret: true,
  },
  PGPASSWORD: {
    ...kinds.text('a password'),
    help: 'password, if `DATABASE_URL` has none',
    secret: true,
    verbatim: true,
  },
  SYNC_SCHEMA: {
    ...kinds.schemaName,
    help: 'schema of the tables; the bookkeeping is in the schema of the same name with `_sync`',
    details:
      'Several accounts can share a database under a schema each. To rename, stop the worker and `alter schema … rename to …` both.',
    default: 'twilio',
  },
  CONVERSATION_SYNC_REQUIRE_DATABASE: {
    ...kinds.flag,
    help: '`1` refuses to start without `DATABASE_URL` or PG* variables; the container image sets it',
    default: '0',
  },
} as const;

const sync = {
  SYNC_START: {
    ...kinds.historyStart,
    help: 'how far back history goes by `createdAt`: a date, a time, or a duration such as `400d`',
    details: 'A duration counts back from now, is cut to the UTC day, and moves along with each reconcile.',
    default: '2025-01-01',
  },
  SYNC_SCHEDULE: { ...kinds.cron, help: 'when to look for new and for open conversations', default: '* * * * *' },
  SYNC_LOOKBACK: { ...kinds.duration, help: 'how far back recent conversations are listed again', default: '3d' },
  LOOKBACK_SCHEDULE: { ...kinds.cron, help: 'when to list recent conversations again', default: '*/15 * * * *' },
  RECONCILE_SCHEDULE: { ...kinds.cron, help: 'when to list everything again', default: '0 3 * * *' },
  SYNC_OPERATOR_RESULTS: {
    ...kinds.oneOf('on', 'links'),
    help: '`on` keeps operator results with their content; `links` keeps their ids alone',
    details:
      'After `links`, `on` reads all results once. Their content is personal data: summaries and extracted names.',
    default: 'on',
  },
  SYNC_REFRESH: {
    ...kinds.durations,
    help: 'how long after closing a conversation is fetched once more',
    default: '1h,1d',
  },
  SYNC_OMIT: {
    ...kinds.someOf('texts', 'names', 'addresses', 'results', 'extra'),
    help: 'personal data that is not stored',
    details:
      'See [Store less](privacy.md#store-less). `texts`: of communications; `names`: of participants and conversations; `addresses`: of participants; `results`: `result` and `text` of operator results, not their `label`; `extra`: all fields that have no column. What is stored already is masked at once.',
  },
  SYNC_HASH: {
    ...kinds.someOf('names', 'addresses'),
    help: 'personal data that is stored as a keyed hash, equal for equal values; requires `SYNC_HASH_KEY`',
    details:
      '`hmac:` and 32 hexadecimal digits of HMAC-SHA-256: they can be counted and joined, and not be read. See [Hashes](privacy.md#hashes).',
  },
  SYNC_HASH_KEY: {
    ...kinds.longText(32),
    help: 'key of these hashes, at least 32 characters',
    details: 'Another key gives other hashes: everything is fetched again, within a day.',
    secret: true,
  },
  SYNC_RETENTION: {
    ...kinds.duration,
    help: 'conversations created longer ago are erased here, and not fetched again; without it, all are kept',
    details:
      'Cut to the UTC day. If `SYNC_START` is later, that counts. See [Keep only so long](privacy.md#keep-only-so-long).',
  },
  SYNC_DELETED: {
    ...kinds.oneOf('keep', 'erase'),
    help: 'what becomes of conversations that the API no longer has: `keep` sets `deleted_at`, `erase` erases them',
    details: 'The [deletion brake](how-it-works.md#deletion-and-its-brake) holds for both.',
    default: 'keep',
  },
  SYNC_REREAD: {
    ...kinds.duration,
    help: 'how often each closed conversation is fetched again, for changes that no listing shows; without it, never',
    details: 'Spread evenly: 300,000 conversations in `30d` are eight requests a minute.',
  },
  SYNC_NOTIFY: {
    ...kinds.oneOf('on', 'off'),
    help: '`on` notifies those who listen on the channel `conversation_sync` of each stored change, with the id of the conversation',
    details: 'See [Notifications](deploy.md#notifications).',
    default: 'off',
  },
} as const;

const filters = {
  SYNC_STATUS: { ...kinds.oneOf('ACTIVE', 'INACTIVE', 'CLOSED'), help: 'sync only this status' },
  SYNC_CHANNELS: { ...channels, help: 'sync only these channels' },
  SYNC_CHANNEL_ID: { ...kinds.id, help: 'sync only this channel id' },
  SYNC_CONVERSATION_CONFIGURATION_ID: { ...kinds.id, help: 'sync only this conversation configuration' },
  SYNC_INTELLIGENCE_CONFIGURATION_IDS: { ...kinds.ids, help: 'sync only these intelligence configurations' },
  SYNC_OPERATOR_IDS: { ...kinds.ids, help: 'sync only conversations that these operators have results for' },
} as const;

const http = {
  HTTP_HOST: {
    ...kinds.word('a host name or address'),
    help: 'where `run` serves health checks, metrics and the status page',
    details: 'The container image sets `0.0.0.0`.',
    default: '127.0.0.1',
  },
  HTTP_PORT: { ...kinds.whole(0, 65_535), help: 'its port; `0` takes a free one', default: '8080' },
  HTTP_ALLOWED_HOSTS: {
    ...kinds.hosts,
    help: 'host names that it answers under, besides `HTTP_HOST`; `*` for any',
    details:
      'Addresses, names without a dot and `HTTP_HOST` are always allowed, and `/livez` and `/readyz` answer under any name. Other names get 421, so that no web page can read from this server through a browser in your network (DNS rebinding).',
  },
} as const;

const webhook = {
  WEBHOOK_PORT: {
    ...kinds.whole(0, 65_535),
    help: "port on which `run` takes Twilio's webhooks; `0` takes a free one; without it, none are taken",
    details: 'See [Webhooks](deploy.md#webhooks).',
  },
  WEBHOOK_HOST: {
    ...kinds.word('a host name or address'),
    help: 'address to take them on',
    details: 'The container image sets `0.0.0.0`.',
    default: '127.0.0.1',
  },
  WEBHOOK_URL: {
    ...kinds.publicUrl,
    help: 'the public URL, exactly as entered at Twilio; signatures are checked against it; required with `WEBHOOK_PORT`',
    shown: false,
  },
  WEBHOOK_AUTH_TOKEN: {
    ...kinds.word("the account's auth token"),
    help: 'auth token that signatures are checked with; default `TWILIO_AUTH_TOKEN`',
    details: 'The primary one. The secret of an API key cannot check signatures.',
    secret: true,
  },
  WEBHOOK_SHARED_KEY: {
    ...kinds.word('the secret of a shared key'),
    help: 'secret of the shared key, for webhooks that are signed with one (HMAC-SHA256)',
    secret: true,
  },
} as const;

const logLevel = {
  LOG_LEVEL: {
    ...levels,
    help: 'how much is logged',
    details: '`sync` logs only warnings and errors unless this is set.',
    default: 'info',
  },
} as const;

const byPart = { api, accounts, database, sync, filters, http, webhook, logLevel } satisfies Record<Part, unknown>;

type Table = typeof api &
  typeof accounts &
  typeof database &
  typeof sync &
  typeof filters &
  typeof http &
  typeof webhook &
  typeof logLevel;
type Value<Row extends { schema: z.ZodType }> =
  | z.output<Row['schema']>
  | (Row extends { default: string } ? never : undefined);

export type SettingName = keyof Table;
export type Values = { [Name in SettingName]: Value<Table[Name]> };

/** All settings, in the order in which they are shown. */
export const settings: ReadonlyMap<SettingName, Setting> = new Map(
  Object.entries(byPart).flatMap(([part, rows]) =>
    Object.entries<Omit<Setting, 'part'>>(rows).map(
      ([name, row]) => [name as SettingName, { ...row, part: part as Part }] as const,
    ),
  ),
);

/** The settings as lines for `--help`, by default all. */
export function settingsHelp(parts?: readonly Part[]): string {
  const rows = [...settings].filter(([, row]) => parts === undefined || parts.includes(row.part));
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, row]) => {
    const notes = [row.default && `default ${row.default}`, row.secret && `or ${name}_FILE`].filter(Boolean);
    return `  ${name.padEnd(width)}  ${row.help.replaceAll('`', '')}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`;
  });
  return `Settings (environment):\n${lines.join('\n')}\n`;
}
