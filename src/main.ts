#!/usr/bin/env node
// The first file of the program. It imports nothing before it has seen that this Node is new enough, in syntax that
// older ones understand; then it gives the process the flags that keep its memory small, whatever has started it.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`conversation-sync needs Node 22.19 or later; this is ${process.version}\n`);
  process.exitCode = 2;
} else {
  keepMemorySmall();
  import('./process.ts');
}

/**
 * Replaces this process with one that has the flags: V8 takes most of them at its start alone, and so does malloc its
 * setting. They keep garbage from piling up: half the memory, for some more CPU. Process id, streams and signals stay.
 * Only for commands that handle conversations; on Windows there is no such replacement.
 */
function keepMemorySmall(): void {
  const flags = ['--max-semi-space-size=16', '--heap-growing-percent=60'];
  const [node, script, command] = process.argv;
  const heavy = ['run', 'sync', 'verify', 'retry', 'demo'];
  if (!process.execve || !node || !script || !command || !heavy.includes(command)) return;
  if (flags.every((flag) => process.execArgv.includes(flag))) return;
  const args = [node, ...flags, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { MALLOC_ARENA_MAX: '1', ...process.env });
}
