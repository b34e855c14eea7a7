// The commands and their help. Arguments in, a function out that runs the command and returns the exit status. Each command
// reads the settings that it needs, and all of them are checked before anything starts. A command's file is loaded only
// when the command is used: loading all of them would double the time of a start.

import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { type Config, readConfig } from '../config/config.ts';
import { isLocal } from '../config/connection-string.ts';
import { findServiceLinks } from '../config/environment.ts';
import { rememberSecrets } from '../config/secrets.ts';
import { type Part, settingsHelp } from '../config/settings.ts';
import { version } from '../version.ts';
import { createLog, type Log } from '../worker/log.ts';
import {
  collect,
  type ForgetArguments,
  forgetOptions,
  parseCount,
  parseDuration,
  parseInstant,
  parsePort,
  parseSchema,
  parseSome,
  type SyncArguments,
  syncOptions,
} from './arguments.ts';
import type { GrantReaderOptions } from './commands/grant-reader.ts';
import type { OperatorViewsOptions } from './commands/operator-views.ts';
import type { SimulateOptions } from './commands/simulate.ts';
import { exitStatus } from './exit-status.ts';
import type { Terminal } from './terminal.ts';

/** What a command has of its process. */
export interface ProcessIO {
  env: Record<string, string | undefined>;
  terminal: Terminal;
  /** Where log lines go. */
  logStream: { write(line: string): void };
}

type Run = (signal: AbortSignal) => Promise<number>;

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

  program
    .command('run')
    .description('runs the worker, which keeps the database in sync until it gets a signal')
    .addHelpText('after', `\n${settingsHelp()}`)
    .action(() => {
      const { config, log } = configure(io, ['api', 'database', 'filters', 'sync', 'http', 'webhook', 'logLevel']);
      run = async (signal) => (await import('./commands/run.ts')).run(config, log, signal);
    });

  program
    .command('sync')
    .description('catches up once and exits: new and open conversations, the lookback, then pending history')
    .option('--reconcile', 'list everything since SYNC_START again')
    .addOption(new Option('--from <time>', 'only conversations created at or after this time').argParser(parseInstant))
    .addOption(
      new Option('--to <time>', 'only conversations created before this time; default now').argParser(parseInstant),
    )
    .option('--id <id>', 'only this conversation; may be repeated', collect)
    .option('--dry-run', 'print what it would fetch, with how many requests; store nothing')
    .option('--allow-mass-delete', 'ignore the deletion brake')
    .addHelpText('after', `\n${settingsHelp()}`)
    .action((given: SyncArguments) => {
      const options = syncOptions(given);
      const { config, log } = configure(io, ['api', 'database', 'filters', 'sync', 'logLevel'], 'warn');
      run = async (signal) => (await import('./commands/sync.ts')).sync(config, options, log, terminal, signal);
    });

  program
    .command('migrate')
    .description('applies missing migrations; run does that when it starts')
    .addHelpText('after', `\n${settingsHelp(['database'])}`)
    .action(() => {
      const { config } = configure(io, ['database', 'logLevel']);
      run = async () => {
        const { openConfigured } = await import('../database.ts');
        await using opened = await openConfigured(config.database);
        const applied = await opened.prepare();
        terminal.write(
          applied === 0 ? 'The tables are up to date.' : `Applied ${applied} migration${applied === 1 ? '' : 's'}.`,
        );
        return exitStatus.inSync;
      };
    });

  program
    .command('status')
    .description('prints the status, from the database alone; the exit status says it too')
    .addOption(
      new Option(
        '--max-age <duration>',
        'out of sync if the last complete tick is older; default: the limit of /readyz for this SYNC_SCHEDULE',
      ).argParser(parseDuration),
    )
    .option('--json', 'print JSON', false)
    .addHelpText('after', `\n${settingsHelp(['database', 'sync'])}`)
    .action(({ maxAge, json }: { maxAge?: number; json: boolean }) => {
      const { config } = configure(io, ['database', 'sync', 'logLevel']);
      const options = { json, maxAgeSeconds: maxAge ?? null, schedule: config.sync.schedules.new };
      run = async () => (await import('./commands/status.ts')).status(config.database, options, terminal);
    });

  program
    .command('why')
    .description('says what is known of one conversation or operator result, and what happens next')
    .argument('<id>', 'its id')
    .option('--json', 'print JSON', false)
    .addHelpText('after', `\n${settingsHelp(['database'])}`)
    .action((id: string, { json }: { json: boolean }) => {
      const { config } = configure(io, ['database', 'logLevel']);
      run = async () => (await import('./commands/why.ts')).why(config.database, { id, json }, terminal);
    });

  program
    .command('doctor')
    .description('checks settings, API and database one by one, and says what to do; changes nothing')
    .option('--json', 'print JSON', false)
    .option('--webhook', 'also send signed requests through WEBHOOK_URL and say what came back', false)
    .addHelpText('after', `\n${settingsHelp()}`)
    .action(({ json, webhook }: { json: boolean; webhook: boolean }) => {
      const readFile = (path: string) => readFileSync(path, 'utf8');
      run = async (signal) =>
        (await import('./commands/doctor.ts')).doctor({ env: io.env, readFile, json, webhook, terminal, signal });
    });

  program
    .command('verify')
    .description('verifies the copy: fetches details and compares every value with what is stored')
    .option('--sample <count>', 'number of stored conversations, chosen at random', parseSome, 500)
    .option('--full', 'list everything and compare every conversation', false)
    .option('--repair', 'fetch and store what differs', false)
    .option('--json', 'print JSON', false)
    .addHelpText('after', `\n${settingsHelp()}`)
    .action(({ sample, full, repair, json }: { sample: number; full: boolean; repair: boolean; json: boolean }) => {
      const { config, log } = configure(io, ['api', 'database', 'filters', 'sync', 'logLevel'], 'warn');
      run = async (signal) =>
        (await import('./commands/verify.ts')).verify(
          config,
          { sample: full ? null : sample, repair, json },
          log,
          terminal,
          signal,
        );
    });

  program
    .command('retry')
    .description('retries everything in quarantine now')
    .addHelpText('after', `\n${settingsHelp()}`)
    .action(() => {
      const { config, log } = configure(io, ['api', 'database', 'filters', 'sync', 'logLevel'], 'warn');
      run = async (signal) => (await import('./commands/retry.ts')).retry(config, log, terminal, signal);
    });

  program
    .command('forget')
    .description('erases conversations from the database for good, and does not store them again; asks first')
    .option('--id <id>', 'this conversation; may be repeated', collect)
    .option('--address <address>', 'all conversations in which it takes part; may be repeated', collect)
    .option('--dry-run', 'print what is stored of them; erase nothing', false)
    .option('--yes', 'erase without asking', false)
    .option('--undo', 'let the conversations of --id be stored again', false)
    .option('--export <file>', 'write what is kept out to a file, without any id; - for standard output')
    .option('--import <file>', 'keep out what such a file names, and erase what is stored of it; - for standard input')
    .addHelpText('after', `\n${settingsHelp(['database', 'sync'])}`)
    .action((given: ForgetArguments) => {
      const wanted = forgetOptions(given);
      const { config } = configure(io, ['database', 'sync', 'logLevel']);
      run = async () => {
        if (wanted.kind === 'erase') {
          const mask = (await import('../sync/mask.ts')).createMask(config.sync.mask);
          return (await import('./commands/forget.ts')).forget(config.database, { ...wanted, mask }, terminal);
        }
        const { undo, exportTo, importFrom } = await import('./commands/tombstones.ts');
        if (wanted.kind === 'undo') return undo(config.database, wanted.ids, terminal);
        if (wanted.kind === 'export') return exportTo(config.database, wanted.path, terminal);
        return importFrom(config.database, wanted, terminal);
      };
    });

  program
    .command('grant-reader')
    .description('creates or updates a login role that may read the schema of the tables and nothing else')
    .argument('<name>', 'the role')
    .addOption(new Option('--schema <name>', 'the schema that it may read; default SYNC_SCHEMA').argParser(parseSchema))
    .option('--anonymous', 'it may read views without personal data alone, in the schema …_anonymous', false)
    .option('--password-file <path>', 'set the password in this file; without it, a new role gets a random one')
    .option('--new-password', 'set a new random password; without it, an existing role keeps its own', false)
    .option('--print', 'change nothing; print the SQL for an administrator to run', false)
    .addHelpText('after', `\n${settingsHelp(['database'])}`)
    .action(async (name: string, options: GrantReaderOptions) => {
      const wanted = (await import('./commands/grant-reader.ts')).grantReaderCommand(name, options);
      const { config } = configure(io, ['database', 'logLevel']);
      run = () => wanted(config.database, terminal);
    });

  program
    .command('operator-views')
    .description('makes the views of operators and brings them up to date; run does that where it owns the schema')
    .option('--print', 'change nothing; print the SQL for an administrator to run', false)
    .option('--json', 'print JSON', false)
    .addHelpText('after', `\n${settingsHelp(['database'])}`)
    .action((options: OperatorViewsOptions) => {
      const { config } = configure(io, ['database', 'logLevel']);
      run = async () =>
        (await import('./commands/operator-views.ts')).operatorViews(config.database, options, terminal);
    });

  program
    .command('search-index')
    .description('builds the index of twilio.search_communications(), or drops it; the worker goes on meanwhile')
    .argument('<configuration>', 'a text search configuration of Postgres, such as english or simple; off: no index')
    .option('--json', 'print JSON', false)
    .addHelpText('after', `\n${settingsHelp(['database'])}`)
    .action((name: string, { json }: { json: boolean }) => {
      const { config } = configure(io, ['database', 'logLevel']);
      const options = { configuration: name === 'off' ? null : name, json };
      run = async (signal) =>
        (await import('./commands/search-index.ts')).changeSearchIndex(config.database, options, terminal, signal);
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

/**
 * The settings that a command needs, and its log, which knows the secrets that it must not show. `unlessSet`: the log level
 * if LOG_LEVEL is not set; commands with output of their own log only warnings.
 */
function configure<Wanted extends Part>(
  { env, logStream }: ProcessIO,
  parts: readonly (Wanted | 'logLevel')[],
  unlessSet?: 'warn',
): { config: Pick<Config, Wanted | 'logLevel'>; log: Log } {
  const { readFile, secrets } = rememberSecrets(env, (path) => readFileSync(path, 'utf8'));
  const config = readConfig(env, readFile, parts);
  const level = env['LOG_LEVEL'] ? config.logLevel : (unlessSet ?? config.logLevel);
  const log = createLog({ level, secrets, destination: logStream });
  for (const name of findServiceLinks(env, parts))
    log.info(`${name} is ignored: Kubernetes has set it for a Service of that name`);
  const { database } = config as Partial<Config>;
  if (database?.kind === 'server') warnOnce(database, log);
  return { config, log };
}

/** Warnings about the connection to the database, each once. */
function warnOnce({ connection, notes = [] }: Extract<Config['database'], { kind: 'server' }>, log: Log): void {
  for (const note of notes) log.warn(note);
  if (isLocal(connection) || connection.optionalTls === undefined) return;
  let warned = false;
  connection.onUnencrypted = () => {
    if (warned) return;
    warned = true;
    log.warn(
      'the connection to the database is not encrypted: people’s words cross the network in clear text; sslmode=require in DATABASE_URL encrypts it, sslmode=disable ends this warning',
    );
  };
}
