// `npm run test:bugs`: plants each bug of bugs.ts in a copy of the sources, plays its scenario or up to `--seeds` seeds
// against the copy, and prints what caught it. Exit status 1 where one was not caught. `--only word` plants those whose
// name has the word. Takes minutes, so it is run by hand, and not by `npm test`.

import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Server, startServer } from '../database-server.ts';
import { type Bug, bugs } from './bugs.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '40' }, only: { type: 'string', default: '' } },
});

const root = join(import.meta.dirname, '../..');
const copies = join(root, '.planted', String(process.pid));
const atOnce = 2;

interface Outcome {
  bug: Bug;
  /** What caught it; null where nothing did. */
  caught: string | null;
}

/** Copies the sources with the bug in them. @throws where its place is not to be found exactly once. */
async function plant(bug: Bug, folder: string): Promise<void> {
  const text = await readFile(join(root, 'src', bug.file), 'utf8');
  const places = text.split(bug.find).length - 1;
  if (places !== 1) throw new Error(`${bug.name}: its place is ${places} times in src/${bug.file}, wanted once`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(join(root, 'src'), join(folder, 'src'), { recursive: true });
  await cp(join(root, 'test'), join(folder, 'test'), { recursive: true });
  await symlink(join(root, 'migrations'), join(folder, 'migrations'));
  await symlink(join(root, 'package.json'), join(folder, 'package.json'));
  // A function, since `$1` would mean something in a text.
  await writeFile(
    join(folder, 'src', bug.file),
    text.replace(bug.find, () => bug.replace),
  );
}

async function tryOut(bug: Bug, server: Server): Promise<Outcome> {
  const folder = join(copies, bug.name.replaceAll(/\W+/g, '-'));
  await plant(bug, folder);
  const wanted = bug.scenario === undefined ? ['--first', '--seeds', values.seeds] : ['--scenario', bug.scenario];
  const lines = await run([join(folder, 'test/chaos/main.ts'), ...wanted], { TEST_DATABASE_URL: server.url });
  await rm(folder, { recursive: true, force: true });
  const caught = lines.find((line) => /^(seed|scenario) /.test(line) && !line.includes(': no difference'));
  return { bug, caught: caught ?? null };
}

function run(args: string[], env: Record<string, string>): Promise<string[]> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(text.split('\n')));
  });
}

const say = (text: string) => process.stdout.write(`${text}\n`);

const server = await startServer();
try {
  const left = bugs.filter(({ name }) => name.includes(values.only));
  const missed: string[] = [];
  const worker = async () => {
    for (let bug = left.shift(); bug !== undefined; bug = left.shift()) {
      const { caught } = await tryOut(bug, server);
      say(`${bug.name.padEnd(55)} ${caught === null ? 'NOT CAUGHT' : `→ ${caught.slice(0, 160)}`}`);
      if (caught === null) missed.push(bug.name);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  process.exitCode = missed.length === 0 ? 0 : 1;
} finally {
  await rm(copies, { recursive: true, force: true });
  await server.stop();
}
