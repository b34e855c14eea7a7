// The dbt package with dbt itself, set up and run as its README says. The environment names the executable:
// DBT=/path/to/dbt. Without it these tests are skipped; package.pg.test.ts runs the same SQL.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { grantReader } from '../../src/readers/grant.ts';
import { scramVerifier } from '../../src/readers/scram.ts';
import { blocks, documentOf } from '../readme.ts';
import { World } from '../world.ts';
import { changeAll, contents, facts, folder, marts, staging } from './package.ts';

const executable = process.env['DBT'] ?? '';
const guide = documentOf('dbt/README.md');
const commands = guide.block('Run it', 'sh').trim().split('\n');

describe.skipIf(executable === '')(executable || 'dbt (skipped: DBT does not name its executable)', () => {
  const suffix = randomBytes(4).toString('hex');
  const reader = `bi_${suffix}`;
  const builder = `dbt_${suffix}`;
  const password = randomBytes(8).toString('hex');
  let world: World;
  let home: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'conversation-sync-dbt-'));
    world = await World.open({ conversations: 200, days: 20, wild: true, results: true });
    await world.sync();
    const verifier = scramVerifier(password, randomBytes(16));
    const database = openDatabase(world.database.connection);
    await grantReader(database, { role: reader, schema: 'twilio', verifier, change: false });
    await database.close();
    const script = guide
      .block('Set it up once', 'sql')
      .replaceAll(/(role|authorization) dbt\b/g, `$1 ${builder}`)
      .replaceAll(/(role|to) bi\b/g, `$1 ${reader}`)
      .replace('…', password);
    await world.pool.query(script);
    const { status, output } = await dbt('build');
    expect(status, output).toBe(0);
  });

  afterAll(async () => {
    await world?.pool.query(`drop owned by ${builder}, ${reader} cascade; drop role ${builder}, ${reader}`);
    await world?.[Symbol.asyncDispose]();
    if (home) await rm(home, { recursive: true, force: true });
  });

  /** Runs the README's command of this name. @returns exit status and what it printed. */
  function dbt(name: string, ...more: string[]): Promise<{ status: number; output: string }> {
    const [, ...args] = commands.find((command) => command.startsWith(`dbt ${name}`))?.split(' ') ?? [];
    return run([...args, ...more], fileURLToPath(folder));
  }

  function run(args: string[], cwd: string): Promise<{ status: number; output: string }> {
    const { host, port, database } = world.database.connection;
    const env = {
      PATH: process.env['PATH'],
      HOME: home,
      DBT_READERS: reader,
      DBT_TARGET_PATH: join(home, 'target'),
      DBT_LOG_PATH: join(home, 'logs'),
      DBT_USE_COLORS: 'false',
      DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
      // What dbt will refuse one day fails here today.
      DBT_WARN_ERROR_OPTIONS: '{"error": ["Deprecations", "UnusedResourceConfigPath"]}',
      PGHOST: host,
      PGPORT: String(port),
      PGDATABASE: database,
      PGUSER: builder,
      PGPASSWORD: password,
    };
    return new Promise((resolve) => {
      execFile(executable, args, { cwd, env }, (error, output) =>
        resolve({ status: error === null ? 0 : Number(error.code), output }),
      );
    });
  }

  async function expectWhole(): Promise<void> {
    for (const [fact, source] of Object.entries(facts)) {
      const copy = await contents(world.pool, `analytics.${fact}`);
      expect(copy, fact).toEqual(await contents(world.pool, `analytics.${source}`));
    }
  }

  const artifact = (name: string) => JSON.parse(readFileSync(join(home, 'target', name), 'utf8'));

  test('it builds, then reads only what changed', async () => {
    await expectWhole();
    const { changed } = await changeAll(world);
    const increment = await dbt('build');
    expect(increment.status, increment.output).toBe(0);
    expect(increment.output).toMatch(
      new RegExp(`incremental model analytics.fct_conversations .*INSERT 0 ${changed} `),
    );
    await expectWhole();

    const refresh = await dbt('build', '--full-refresh');
    expect(refresh.status, refresh.output).toBe(0);
    await expectWhole();
  });

  test('the source is fresh while the list is read, and stale when it is not', async () => {
    const list = (ago: string) =>
      world.pool.query(
        `update twilio_sync.windows set completed_at = now() - $1::interval where completed_at is not null`,
        [ago],
      );
    await list('1 minute');
    expect(await dbt('source')).toMatchObject({ status: 0, output: expect.stringMatching(/PASS freshness of twilio/) });
    await list('30 minutes');
    expect(await dbt('source')).toMatchObject({ status: 0, output: expect.stringMatching(/WARN freshness of twilio/) });
    await list('2 hours');
    expect(await dbt('source')).toMatchObject({
      status: 1,
      output: expect.stringMatching(/STALE freshness of twilio/),
    });
  });

  test('its docs describe every column, and so does the database', async () => {
    const { status, output } = await dbt('docs');
    expect(status, output).toBe(0);
    const { nodes, errors } = artifact('catalog.json');
    const manifest = artifact('manifest.json');
    expect(errors).toBe(null);
    const models = [...staging, ...marts].map((name) => `model.conversation_sync.${name}`);
    expect(Object.keys(nodes)).toEqual(expect.arrayContaining(models));
    const bare = models.flatMap((id) =>
      Object.keys(nodes[id].columns).filter((column) => !manifest.nodes[id].columns[column]?.description),
    );
    expect(bare).toEqual([]);
    expect(Object.values(manifest.exposures)).toHaveLength(1);
    const { rows } = await world.pool.query(
      `select attrelid::regclass::text as relation, attname from pg_attribute join pg_class c on c.oid = attrelid
       where relnamespace = 'analytics'::regnamespace and relkind in ('r', 'v') and attnum > 0 and not attisdropped
         and (col_description(attrelid, attnum) is null or obj_description(attrelid, 'pg_class') is null)`,
    );
    expect(rows).toEqual([]);
  });

  test('another project installs and configures it as the README says', async () => {
    const project = join(home, 'project');
    const [packages = '', config = '', views = ''] = blocks(guide.section('Use it in your project'), 'yaml');
    const files = {
      'packages.yml': packages.replace('../conversation-sync/dbt', fileURLToPath(folder)),
      'dbt_project.yml': `name: acme\nprofile: conversation_sync\n${config.replace('[bi]', `[${reader}]`)}`,
      'models/sources.yml': views,
      'models/scores.sql': `select r.score from {{ source('operators', 'result_script_adherence') }} as r join {{ ref('fct_conversations') }} as c on c.conversation_id = r.conversation_id`,
    };
    await mkdir(join(project, 'models'), { recursive: true });
    for (const [path, text] of Object.entries(files)) await writeFile(join(project, path), text);
    const installed = await run(['deps'], project);
    expect(installed.status, installed.output).toBe(0);
    const parsed = await run(['parse', '--profiles-dir', fileURLToPath(folder)], project);
    expect(parsed.status, parsed.output).toBe(0);
    const { nodes, sources, exposures } = artifact('manifest.json');
    expect(nodes['model.acme.scores'].depends_on.nodes).toContain('model.conversation_sync.fct_conversations');
    expect(nodes['model.conversation_sync.fct_conversations'].config.grants).toEqual({ select: [reader] });
    expect(sources['source.conversation_sync.twilio.coverage'].freshness.warn_after).toMatchObject({ count: 2 });
    expect(exposures).toEqual({});
  });

  test('a reader reads what is built, and changes nothing', async () => {
    const client = new pg.Client({ ...world.database.connection, user: reader, password });
    await client.connect();
    try {
      for (const name of [...staging, ...marts]) {
        expect((await client.query(`select * from analytics.${name} limit 1`)).rowCount, name).toBe(1);
      }
      await client.query('set default_transaction_read_only = off');
      await expect(client.query('delete from analytics.fct_conversations')).rejects.toThrow('permission denied');
    } finally {
      await client.end();
    }
  });
});
