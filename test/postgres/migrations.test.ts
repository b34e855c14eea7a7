// The migrations are the schema: drizzle-kit, asked for what is missing between the two, finds nothing to do.

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import config from '../../drizzle.config.ts';

const root = join(import.meta.dirname, '../..');

test('nothing in the schema lacks its migration', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conversation-sync-migrations-'));
  try {
    await cp(join(root, 'migrations'), folder, { recursive: true });
    const before = await readdir(folder, { recursive: true });
    const kit = join(root, 'node_modules/drizzle-kit/bin.cjs');
    // It takes paths for relative, and several files as one pattern.
    const from = [`--schema={${[config.schema].flat().join(',')}}`, `--out=${relative(root, folder)}`];
    const run = [kit, 'generate', `--dialect=${config.dialect}`, ...from];
    const { stdout } = await promisify(execFile)(process.execPath, run, { cwd: root });
    expect(stdout).toContain('No schema changes');
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  } finally {
    await rm(folder, { recursive: true });
  }
});
