// The commands and their help. Arguments in, a function out that runs the command and returns the exit status. Each command
// reads the settings that it needs, and all of them are checked before anything starts. A command's file is loaded only
// when the command is used: loading all of them would double the time of a start.

import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { allSchema } from '../config/setting-kinds.ts';
import { type Part, settingsHelp } from '../config/settings.ts';
import { version } from '../version.ts';
import { createLog } from '../worker/log.ts';
import { accountsSource } from './accounts-source.ts';
import {
  collect,
  type ForgetArguments,
  forgetOptions,
  parseCount,
  parseDuration,
  parseInstant,
  parsePort,
  parseReadSchema,
  parseSome,
  type SyncArguments,
  syncOptions,
  type VerifyArguments,
} from './arguments.ts';
import type { DistributeOptions } from './commands/distribute.ts';
import type { GrantReaderOptions } from './commands/grant-reader.ts';
import type { OperatorViewsOptions } from './commands/operator-views.ts';
import type { SimulateOptions } from './commands/simulate.ts';
import { configure, type ProcessIO, type Run } from './configure.ts';
import { exitStatus, UsageError } from './exit-status.ts';
import { type OfAll, perAccount } from './per-account.ts';
import type { Terminal } from './terminal.ts';

/** Of a command that works on an account. */
interface OfAccount {
  account?: string;
}

/** What a command needs that compares or copies. */
const copying = { parts: ['api', 'filters', 'sync'], quiet: true } as const;

/** Parses the arguments. @returns a function that runs the command. @throws CommanderError for wrong usage, and after `--help` and `--version`. */
export async function parse(argv: string[], io: ProcessIO): Promise<Run> {
  let run: Run = async () => exitStatus.wrongUsage;
  const { terminal } = io;
  const program = new Command('conversation-sync')
    .description("Keeps a Postgres database in sync with Twilio's Conversational Intelligence API.")
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.write(text.trimEnd()) })
    .showHelpAfterError('(--help lists commands and options)')
    .addHelpText('after', `\n${settingsHelp()}`);
  /** A command of an account. Its help has the settings that it reads, by default all. */
  const ofAccount = (name: string, parts?: Part[]) =>
    program
      .command(name)
      .option('--account <sid|schema>', 'only this account of SYNC_ACCOUNTS_FILE; by default all, one after the other')
      .addHelpText('after', `\n${settingsHelp(parts)}`);

  program
    .command('run')
    .description('runs the worker, which keeps the database in sync until it gets a signal')
    .addHelpText('after', `\n${settingsHelp()}`)
    .action(() => {
      if (io.env['SYNC_ACCOUNTS_FILE']) {
        const { config, log, readFile } = configure(io, ['accounts', 'database', 'http', 'webhook']);
        const source = accountsSource(io.env, readFile);
        run = async (signal) => (await import('./commands/run-accounts.ts')).runAccounts(config, source, log, signal);
        return;
      }
      const { config, log } = configure(io, ['api', 'database', 'filters', 'sync', 'http', 'webhook']);
      run = async (signal) => (await import('./commands/run.ts')).run(config, log, signal);
    });

  ofAccount('sync')
    .description('catches up once and exits: new and open conversations, the lookback, then pending history')
    .option('--reconcile', 'list everything since SYNC_START again')
    .addOption(new Option('--from <time>', 'only conversations created at or after this time').argParser(parseInstant))
    .addOption(
      new Option('--to <time>', 'only conversations created before this time; default now').argParser(parseInstant),
    )
    .option('--id <id>', 'only this conversation; may be repeated', collect)
    .option('--dry-run', 'print what it would fetch, with how many requests; store nothing')
    .option('--allow-mass-delete', 'ignore the deletion brake')
    .action(({ account, ...given }: SyncArguments & OfAccount) => {
      const options = syncOptions(given);
      const alone = options.ids.length > 0 ? '--id: a conversation is of one account' : undefined;
      run = perAccount(io, { ...copying, account, alone }, async ({ config, log, terminal }, signal) =>
        (await import('./commands/sync.ts')).sync(config, options, log, terminal, signal),
      );
    });

  ofAccount('migrate', ['accounts', 'database'])
    .description('applies missing migrations; run does that when it starts')
    .action(({ account }: OfAccount) => {
      const lastly = ({ database, copies }: OfAll) => ({
        sid: null,
        schema: allSchema,
        run: async (terminal: Terminal) =>
          (await import('./commands/migrate.ts')).prepareAll(database, copies, terminal),
      });
      run = perAccount(io, { parts: [], account, lastly }, async ({ config, terminal }) =>
        (await import('./commands/migrate.ts')).migrate(config.database, terminal),
      );
    });

  ofAccount('status', ['accounts', 'database', 'sync'])
    .description('prints the status, from the database alone; the exit status says it too')
    .addOption(
      new Option(
        '--max-age <duration>',
        'out of sync if the last complete tick is older; default: the limit of /readyz for this SYNC_SCHEDULE',
      ).argParser(parseDuration),
    )
    .option('--json', 'print JSON', false)
    .action(({ maxAge, json, account }: { maxAge?: number; json: boolean } & OfAccount) => {
      run = perAccount(io, { parts: ['sync'], account, json }, async ({ config, terminal }) => {
        const options = { json, maxAgeSeconds: maxAge ?? null, schedule: config.sync.schedules.new };
        return (await import('./commands/status.ts')).status(config.database, options, terminal);
      });
    });

  ofAccount('why', ['accounts', 'database'])
    .description('says what is known of one conversation or operator result, and what happens next')
    .argument('<id>', 'its id')
    .option('--json', 'print JSON', false)
    .action((id: string, { json, account }: { json: boolean } & OfAccount) => {
      run = perAccount(io, { parts: [], account, json }, async ({ config, terminal }) =>
        (await import('./commands/why.ts')).why(config.database, { id, json }, terminal),
      );
    });

  ofAccount('doctor')
    .description('checks settings, API and database one by one, and says what to do; changes nothing')
    .option('--json', 'print JSON', false)
    .option('--webhook', 'also send signed requests through WEBHOOK_URL and say what came back', false)
    .action(({ account, json, webhook }: { json: boolean; webhook: boolean } & OfAccount) => {
      const readFile = (path: string) => readFileSync(path, 'utf8');
      run = async (signal) =>
        (await import('./commands/doctor.ts')).doctor({
          env: io.env,
          readFile,
          account,
          json,
          webhook,
          terminal,
          signal,
        });
    });

  ofAccount('verify')
    .description('verifies the copy: fetches details and compares every value with what is stored')
    .option('--sample <count>', 'number of stored conversations, chosen at random', parseSome, 500)
    .option('--full', 'list everything and compare every conversation', false)
    .option('--repair', 'fetch and store what differs', false)
    .option('--json', 'print JSON', false)
    .action(({ sample, full, repair, json, account }: VerifyArguments & OfAccount) => {
      const options = { sample: full ? null : sample, repair, json };
      run = perAccount(io, { ...copying, account, json }, async ({ config, log, terminal }, signal) =>
        (await import('./commands/verify.ts')).verify(config, options, log, terminal, signal),
      );
    });

  ofAccount('retry')
    .description('retries everything in quarantine now')
    .action(({ account }: OfAccount) => {
      run = perAccount(io, { ...copying, account }, async ({ config, log, terminal }, signal) =>
        (await import('./commands/retry.ts')).retry(config, log, terminal, signal),
      );
    });

  ofAccount('forget', ['accounts', 'database', 'sync'])
    .description('erases conversations from the database for good, and does not store them again; asks first')
    .option('--id <id>', 'this conversation; may be repeated', collect)
    .option('--address <address>', 'all conversations in which it takes part; may be repeated', collect)
    .option('--dry-run', 'print what is stored of them; erase nothing', false)
    .option('--yes', 'erase without asking', false)
    .option('--undo', 'let the conversations of --id be stored again', false)
    .option('--export <file>', 'write what is kept out to a file, without any id; - for standard output')
    .option('--import <file>', 'keep out what such a file names, and erase what is stored of it; - for standard input')
    .action(({ account, ...given }: ForgetArguments & OfAccount) => {
      const wanted = forgetOptions(given);
      const ofOneFile = wanted.kind === 'export' || wanted.kind === 'import';
      const alone = ofOneFile ? `--${wanted.kind}: a file has the tombstones of one account` : undefined;
      run = perAccount(io, { parts: ['sync'], account, alone }, async ({ config, terminal }) => {
        if (wanted.kind === 'erase') {
          const mask = (await import('../sync/mask.ts')).createMask(config.sync.mask);
          return (await import('./commands/forget.ts')).forget(config.database, { ...wanted, mask }, terminal);
        }
        const { undo, exportTo, importFrom } = await import('./commands/tombstones.ts');
        if (wanted.kind === 'undo') return undo(config.database, wanted.ids, terminal);
        if (wanted.kind === 'export') return exportTo(config.database, wanted.path, terminal);
        return importFrom(config.database, wanted, terminal);
      });
    });

  ofAccount('grant-reader', ['accounts', 'database'])
    .description('creates or updates a login role that may read the schema of the tables and nothing else')
    .argument('<name>', 'the role')
    .addOption(
      new Option('--schema <name>', 'the schema that it may read; default SYNC_SCHEMA').argParser(parseReadSchema),
    )
    .option('--anonymous', 'it may read views without personal data alone, in the schema …_anonymous', false)
    .option('--password-file <path>', 'set the password in this file; without it, a new role gets a random one')
    .option('--new-password', 'set a new random password; without it, an existing role keeps its own', false)
    .option('--print', 'change nothing; print the SQL for an administrator to run', false)
    .action(async (name: string, { account, ...options }: GrantReaderOptions & OfAccount) => {
      const wanted = (await import('./commands/grant-reader.ts')).grantReaderCommand(name, options);
      if (options.schema === undefined)
        run = perAccount(io, { parts: [], account }, ({ config, terminal }) => wanted(config.database, terminal));
      else {
        if (account !== undefined) throw new UsageError('use either --account or --schema');
        const { config } = configure(io, ['database']);
        run = () => wanted(config.database, terminal);
      }
    });

  ofAccount('operator-views', ['accounts', 'database'])
    .description('makes the views of operators and brings them up to date; run does that where it owns the schema')
    .option('--print', 'change nothing; print the SQL for an administrator to run', false)
    .option('--json', 'print JSON', false)
    .action(({ account, ...options }: OperatorViewsOptions & OfAccount) => {
      // Statements are printed as they are, whatever else was asked for.
      const json = options.json && !options.print;
      run = perAccount(io, { parts: [], account, json }, async ({ config, terminal }) =>
        (await import('./commands/operator-views.ts')).operatorViews(config.database, options, terminal),
      );
    });

  ofAccount('search-index', ['accounts', 'database'])
    .description('builds the index of twilio.search_communications(), or drops it; the worker goes on meanwhile')
    .argument('<configuration>', 'a text search configuration of Postgres, such as english or simple; off: no index')
    .option('--json', 'print JSON', false)
    .action((name: string, { json, account }: { json: boolean } & OfAccount) => {
      const options = { configuration: name === 'off' ? null : name, json };
      run = perAccount(io, { parts: [], account, json }, async ({ config, terminal }, signal) =>
        (await import('./commands/search-index.ts')).changeSearchIndex(config.database, options, terminal, signal),
      );
    });

  ofAccount('distribute', ['accounts', 'database'])
    .description('puts the tables of an account on one node of a Citus cluster; a running worker waits meanwhile')
    .option('--dry-run', 'change nothing; print the SQL', false)
    .option('--json', 'print JSON', false)
    .action(({ account, ...options }: DistributeOptions & OfAccount) => {
      run = perAccount(io, { parts: [], account, json: options.json }, async ({ config, terminal }, signal) =>
        (await import('./commands/distribute.ts')).distribute(config.database, options, terminal, signal),
      );
    });

  program
    .command('demo')
    .description('runs everything on this machine without configuration: embedded Postgres, simulated API, worker')
    .option('--conversations <count>', 'number of conversations at the start', parseCount, 2_000)
    .option('--days <count>', 'number of days that they are spread over', parseCount, 90)
    .option('--folder <path>', 'folder of its database; emptied at the start', 'data/demo')
    .action((options: { conversations: number; days: number; folder: string }) => {
      // It reads no setting but the log level, and logs warnings only: its own lines matter.
      const log = createLog({
        level: io.env['LOG_LEVEL'] === 'debug' ? 'debug' : 'warn',
        destination: io.logStream,
      });
      run = async (signal) => (await import('./commands/demo.ts')).demo(options, log, terminal, signal);
    });

  program
    .command('simulate')
    .description('runs the API simulator alone, with live traffic')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port; 0 takes a free one', parsePort, 4010)
    .option('--conversations <count>', 'number of conversations at the start', parseCount, 2_000)
    .option('--days <count>', 'number of days that they are spread over', parseCount, 90)
    .option('--seed <number>', 'seed of the random conversations', parseCount, 1)
    .option('--no-traffic', 'without live traffic')
    .option('--push <url>', 'push what changes to this URL, as signed webhooks')
    .action((options: SimulateOptions) => {
      run = async (signal) => (await import('./commands/simulate.ts')).simulate(options, terminal, signal);
    });

  await program.parseAsync(argv, { from: 'user' });
  return run;
}
