// How the process starts, whatever starts it: with processes of its own, since what is set holds for a whole process.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** Starts the program beside `script`, which says on standard error what it finds at the end. */
async function startBeside(script: string, args = ['--version']) {
  const beside = `data:text/javascript,${encodeURIComponent(script)}`;
  return await promisify(execFile)(process.execPath, ['--import', beside, main, ...args]);
}

test('each address of a name has seconds to connect, for the API and for Postgres', async () => {
  const { stderr } = await startBeside(`
    import net from 'node:net';
    process.on('exit', () => console.error(net.getDefaultAutoSelectFamilyAttemptTimeout()));
  `);
  expect(Number(stderr)).toBe(3_000);
});
