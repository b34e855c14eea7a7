// Commands and their help. Arguments in, an exit status out: each command reads the settings it needs, all of them
// checked before anything starts, and is then in a file of its own, which is loaded only where it is asked for: half of a
// start would be what other commands need.

import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Config, readConfig } from '../config/config.ts';
import { isLocal } from '../config/connection-string.ts';
import { findServiceLinks, rememberSecrets } from '../config/environment.ts';
import { duration, instant, schemaName, whole } from '../config/setting-kinds.ts';
import { type Part, settingsHelp } from '../config/settings.ts';
import { version } from '../version.ts';
import { createLog, type Log } from '../worker/log.ts';
import type { GrantReaderOptions } from './commands/grant-reader.ts';
import type { SimulateOptions } from './commands/simulate.ts';
import { exitStatus, UsageError } from './exit-status.ts';
import type { Terminal } from './terminal.ts';

export interface World {
  env: Record<string, string | undefined>;
  terminal: Terminal;
  /** Where log lines go. */
  logStream: { write(line: string): void };
}

type Carry = (signal: AbortSignal) => Promise<number>;

/**
 * Makes sense of the arguments. @returns what to do; carried out it gives the exit status.
 * @throws CommanderError for wrong usage, and for `--help` and `--version`, which are done with then.
 */
export async function parse(argv: string[], world: World): Promise<Carry> {
  let carry: Carry = async () => exitStatus.wrongUsage;
  const { terminal } = world;
  const program = new Command('conversation-sync')
    .description("Keeps a Postgres database in sync with Twilio's Conversational Intelligence API.")
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.write(text.trimEnd()) })
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText('after', `\n${settingsHelp()}`);

  program
    .command('run')
    .description('the long-lived worker: keeps in sync until it gets a signal')
    .addHelpText('after', `\n${settingsHelp()}`)
    .action(() => {
      const { config, log } = configure(world, ['api', 'database', 'filters', 'sync', 'http', 'logLevel']);
      carry = async (signal) => (await import('./commands/run.ts')).run(config, log, signal);
    });

  program
    .command('sync')
    .description('catches up once: what is new, what is open, the lookback, then pending history; then exits')
    .option('--reconcile', 'list everything since SYNC_START again')
    .addOption(new Option('--from <time>', 'only conversations created from here on').argParser(parseInstant))
    .addOption(
      new Option('--to <time>', 'only conversations created before this; now, unless given').argParser(parseInstant),
    )
    .option('--id <id>', 'only this conversation; may be repeated', collect)
    .option('--dry-run', 'say what it would fetch, with how many requests; store nothing')
    .option('--allow-mass-delete', 'let the deletion brake through')
    .addHelpText('after', `\n${settingsHelp()}`)
    .action((given: SyncArguments) => {
      const options = syncOptions(given);
      const { config, log } = configure(world, ['api', 'database', 'filters', 'sync', 'logLevel'], 'warn');
      carry = async (signal) => (await import('./commands/sync.ts')).sync(config, options, log, terminal, signal);
    });

  program
    .command('migrate')
    .description('brings the tables up to date; run does so at its start')
    .addHelpText('after', `\n${settingsHelp(['database'])}`)
    .action(() => {
      const { config } = configure(world, ['database', 'logLevel']);
      carry = async () => {
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
    .description('how things stand, from the database alone; the exit status says it too')
    .addOption(
      new Option(
        '--max-age <duration>',
        'out of sync where the last complete tick is older; without it, where /readyz would say so of a worker with this SYNC_SCHEDULE',
      ).argParser(parseDuration),
    )
    .option('--json', 'for programs', false)
    .addHelpText('after', `\n${settingsHelp(['database', 'sync'])}`)
    .action(({ maxAge, json }: { maxAge?: number; json: boolean }) => {
      const { config } = configure(world, ['database', 'sync', 'logLevel']);
      const options = { json, maxAgeSeconds: maxAge ?? null, schedule: config.sync.schedules.new };
      carry = async () => (await import('./commands/status.ts')).status(config.database, options, terminal);
    });

  program
    .command('doctor')
    .description('checks settings, API and database one by one, and says what to do; changes nothing')
    .option('--json', 'for programs', false)
    .addHelpText('after', `\n${settingsHelp()}`)
    .action(({ json }: { json: boolean }) => {
      const readFile = (path: string) => readFileSync(path, 'utf8');
      carry = async (signal) =>
        (await import('./commands/doctor.ts')).doctor({ env: world.env, readFile, json, terminal, signal });
    });

  program
    .command('verify')
    .description('proves the copy: fetches details and compares every value with what is stored')
    .option('--sample <count>', 'so many stored conversations, chosen at random', parseSome, 500)
    .option('--full', 'list everything, and compare every conversation', false)
    .option('--repair', 'fetch and store what differs', false)
    .option('--json', 'for programs', false)
    .addHelpText('after', `\n${settingsHelp()}`)
    .action(({ sample, full, repair, json }: { sample: number; full: boolean; repair: boolean; json: boolean }) => {
      const { config, log } = configure(world, ['api', 'database', 'filters', 'sync', 'logLevel'], 'warn');
      carry = async (signal) =>
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
    .description('tries everything in quarantine now')
    .addHelpText('after', `\n${settingsHelp()}`)
    .action(() => {
      const { config, log } = configure(world, ['api', 'database', 'filters', 'sync', 'logLevel'], 'warn');
      carry = async (signal) => (await import('./commands/retry.ts')).retry(config, log, terminal, signal);
    });

  program
    .command('forget')
    .description('erases single conversations here for good, and keeps them out from now on; asks before it does')
    .requiredOption('--id <id>', 'this conversation; may be repeated', collect)
    .option('--dry-run', 'say what is stored of them; erase nothing', false)
    .option('--yes', 'erase without asking', false)
    .addHelpText('after', `\n${settingsHelp(['database'])}`)
    .action(({ id, dryRun, yes }: { id: string[]; dryRun: boolean; yes: boolean }) => {
      const { config } = configure(world, ['database', 'logLevel']);
      const options = { ids: [...new Set(id)], dryRun, yes };
      carry = async () => (await import('./commands/forget.ts')).forget(config.database, options, terminal);
    });

  program
    .command('grant-reader')
    .description('makes or updates a login role that reads the schema of the tables and nothing else')
    .argument('<name>', 'the role')
    .addOption(new Option('--schema <name>', 'the schema it reads; SYNC_SCHEMA, unless given').argParser(parseSchema))
    .option('--password-file <path>', 'set the password that this file holds; a new role has a random one otherwise')
    .option('--new-password', 'set a new random password; without it a role that exists keeps its own', false)
    .option('--print', 'change nothing: print the SQL, for an administrator to run', false)
    .addHelpText('after', `\n${settingsHelp(['database'])}`)
    .action(async (name: string, options: GrantReaderOptions) => {
      const wanted = (await import('./commands/grant-reader.ts')).grantReaderCommand(name, options);
      const { config } = configure(world, ['database', 'logLevel']);
      carry = () => wanted(config.database, terminal);
    });

  program
    .command('demo')
    .description('everything on this machine with nothing configured: embedded Postgres, simulated API, worker')
    .option('--conversations <count>', 'how many to begin with', parseCount, 2_000)
    .option('--days <count>', 'over how many days', parseCount, 90)
    .option('--folder <path>', 'where its database is kept; emptied at the start', 'data/demo')
    .action((options: { conversations: number; days: number; folder: string }) => {
      // It looks at no setting but the log's level, and warns only: its own lines are what is to be read.
      const log = createLog({
        level: world.env['LOG_LEVEL'] === 'debug' ? 'debug' : 'warn',
        destination: world.logStream,
      });
      carry = async (signal) => (await import('./commands/demo.ts')).demo(options, log, terminal, signal);
    });

  program
    .command('simulate')
    .description('the API simulator alone, with live traffic')
    .option('--host <host>', 'where it listens', '127.0.0.1')
    .option('--port <port>', 'its port; 0 takes a free one', parsePort, 4010)
    .option('--conversations <count>', 'how many to begin with', parseCount, 2_000)
    .option('--days <count>', 'over how many days', parseCount, 90)
    .option('--seed <number>', 'another seed gives other conversations', parseCount, 1)
    .option('--no-traffic', 'without live traffic')
    .action((options: SimulateOptions) => {
      carry = async (signal) => (await import('./commands/simulate.ts')).simulate(options, terminal, signal);
    });

  await program.parseAsync(argv, { from: 'user' });
  return carry;
}

/**
 * The settings a command needs, and its log, which knows the secrets it must not show. `unlessSet`: the log's level where
 * LOG_LEVEL does not say; beside a command's own lines only what is wrong is of interest.
 */
function configure<Wanted extends Part>(
  { env, logStream }: World,
  parts: readonly (Wanted | 'logLevel')[],
  unlessSet?: 'warn',
): { config: Pick<Config, Wanted | 'logLevel'>; log: Log } {
  const { readFile, secrets } = rememberSecrets(env, (path) => readFileSync(path, 'utf8'));
  const config = readConfig(env, readFile, parts);
  const level = env['LOG_LEVEL'] ? config.logLevel : (unlessSet ?? config.logLevel);
  const log = createLog({ level, secrets, destination: logStream });
  for (const name of findServiceLinks(env, parts))
    log.info(`${name} is not read: Kubernetes has set it for a Service of that name`);
  const { database } = config as Partial<Config>;
  if (database?.kind === 'server') sayOnce(database, log);
  return { config, log };
}

/** What is to be known of the way to the database, each once. */
function sayOnce({ connection, notes = [] }: Extract<Config['database'], { kind: 'server' }>, log: Log): void {
  for (const note of notes) log.warn(note);
  if (isLocal(connection) || connection.optionalTls === undefined) return;
  let said = false;
  connection.onClear = () => {
    if (said) return;
    said = true;
    log.warn(
      'the connection to the database is not encrypted: what people said goes over the network in clear; sslmode=require in DATABASE_URL ends that, sslmode=disable this warning',
    );
  };
}

interface SyncArguments {
  reconcile?: boolean;
  from?: number;
  to?: number;
  id?: string[];
  dryRun?: boolean;
  allowMassDelete?: boolean;
}

function syncOptions({ from, to, id = [], ...given }: SyncArguments) {
  const rest = { reconcile: false, dryRun: false, allowMassDelete: false, ...given };
  if (id.length > 0 && (from !== undefined || to !== undefined || rest.reconcile || rest.dryRun)) {
    throw new UsageError('--id goes alone: it fetches just those conversations');
  }
  if ((from !== undefined || to !== undefined) && rest.reconcile) {
    throw new UsageError('--reconcile lists everything: leave out --from and --to');
  }
  if (to !== undefined && from === undefined) throw new UsageError('--to needs --from');
  const stretch = from === undefined ? null : { from, to: to ?? Number.POSITIVE_INFINITY };
  if (stretch !== null && stretch.from >= stretch.to) throw new UsageError('--from has to lie before --to');
  return { ...rest, ids: [...new Set(id)], stretch };
}

const collect = (value: string, previous: string[] = []) => [...previous, value];
const parseSchema = (text: string) => parseAs(schemaName, text);
const parseInstant = (text: string) => parseAs(instant, text);
const parseDuration = (text: string) => parseAs(duration, text);
const parseCount = (text: string) => parseAs(whole(0, 10_000_000), text);
const parseSome = (text: string) => parseAs(whole(1, 10_000_000), text);
const parsePort = (text: string) => parseAs(whole(0, 65_535), text);

function parseAs<Value>(
  { takes, schema }: { takes: string; schema: { safeParse(text: string): { success: boolean; data?: Value } } },
  text: string,
): Value {
  const { success, data } = schema.safeParse(text);
  if (!success || data === undefined) throw new InvalidArgumentError(`It takes ${takes}.`);
  return data;
}
