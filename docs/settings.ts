// docs/settings.md, written from the option table in src/config/settings.ts: `npm run docs`. A test fails when the two differ.

import { writeFileSync } from 'node:fs';
import { entryNames } from '../src/config/account-entry.ts';
import { type Part, type Setting, settings } from '../src/config/settings.ts';

const sections: Record<Part, { title: string; intro: string }> = {
  api: { title: 'API', intro: 'The account, its credentials, and the way to the API.' },
  accounts: {
    title: 'Accounts',
    intro:
      'One deployment can copy many accounts: see [Many accounts](deploy.md#many-accounts) for the file, and [below](#names-in-the-accounts-file) for the names in it.',
  },
  database: {
    title: 'Database',
    intro:
      'The Postgres to write to. [Deployment](deploy.md#database) has the rights that its user needs, TLS and poolers.',
  },
  sync: {
    title: 'Sync',
    intro:
      'How far back, and how often. [How it works](how-it-works.md#the-five-sweeps) explains the sweeps that these settings control. Cron expressions are in UTC.',
  },
  filters: {
    title: 'Filters',
    intro:
      'All conversations are synced unless a filter is set. After a change of filters everything is listed again; only what is new or changed is fetched.',
  },
  http: { title: 'HTTP', intro: 'The server of `run` for health checks, metrics and the status page.' },
  webhook: {
    title: 'Webhooks',
    intro:
      "The server of `run` for Twilio's webhooks, on a port of its own. [Deployment](deploy.md#webhooks) says how to set them up.",
  },
  logLevel: { title: 'Log', intro: 'The log is JSON on standard output.' },
};

/** The whole page. */
export function settingsPage(): string {
  return `<!-- Written by \`npm run docs\` from src/config/settings.ts. Do not edit. -->

# Settings

All settings are environment variables. An empty one counts as unset. Wrong values are refused at the start, all at once, each with what it takes. An unknown name that begins with \`SYNC_\`, \`LOOKBACK_\`, \`RECONCILE_\` or \`TWILIO_CREATED_\` is refused too.

**Secrets** are marked with *. Each can also be read from a file: set \`TWILIO_API_SECRET_FILE=/run/secrets/…\` in place of \`TWILIO_API_SECRET\`. Secrets in files can change while the worker runs. Those of the database, certificates included, are read for each new connection. Those of the API are read again when the API refuses the key, and those of webhooks when a signature does not match.

\`conversation-sync COMMAND --help\` lists the settings that a command reads. \`conversation-sync doctor\` checks them.

${Object.entries(sections)
  .map(([part, { title, intro }]) => `## ${title}\n\n${intro}\n\n${tableOf(part)}`)
  .join('\n')}
## Names in the accounts file

Each name in an entry of \`SYNC_ACCOUNTS_FILE\` stands for a setting and takes what that takes. A name with a dot is within an object: \`{"filters": {"status": "CLOSED"}}\`.

| name | setting |
|---|---|
${Object.entries(entryNames)
  .map(
    ([name, setting]) =>
      `| \`${name}\`${settings.get(setting)?.secret ? ` or \`${name}File\`` : ''} | \`${setting}\` |\n`,
  )
  .join('')}`;
}

function tableOf(part: string): string {
  const rows = [...settings]
    .filter(([, row]) => row.part === part)
    .map(
      ([name, row]) =>
        `| \`${name}\`${row.secret ? ' *' : ''} | ${meaningOf(row)} | ${row.takes} | ${codeOf(row.default)} |\n`,
    );
  return `| name | meaning | takes | default |\n|---|---|---|---|\n${rows.join('')}`;
}

function meaningOf({ help, details }: Setting): string {
  const sentence = `${help.charAt(0).toUpperCase()}${help.slice(1)}.`;
  return [sentence, details].filter(Boolean).join(' ');
}

const codeOf = (text: string | undefined) => (text === undefined ? '' : `\`${text}\``);

if (import.meta.main) writeFileSync(new URL('settings.md', import.meta.url), settingsPage());
