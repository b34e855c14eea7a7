#!/usr/bin/env node
// The first file of the program. It checks the version of Node, in syntax that old versions understand and before
// anything is imported. Then it gives the process the flags that keep its memory small, however it was started.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`conversation-sync needs Node 22.19 or later; this is ${process.version}\n`);
  process.exitCode = 2;
} else {
  keepMemorySmall();
  import('./process.ts');
}

/**
 * Replaces this process with one that has the flags, since V8 and malloc read them only when they start. They limit garbage:
 * half the memory for some more CPU. Process id, streams and signals stay the same. Only for commands that handle
 * conversations, and not on Windows, which has no exec.
 */
function keepMemorySmall(): void {
  const flags = ['--max-semi-space-size=4', '--heap-growing-percent=60'];
  const [node, script, command] = process.argv;
  const heavy = ['run', 'sync', 'verify', 'retry', 'demo'];
  if (!process.execve || !node || !script || !command || !heavy.includes(command)) return;
  if (flags.every((flag) => process.execArgv.includes(flag))) return;
  const args = [node, ...flags, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { MALLOC_ARENA_MAX: '1', ...process.env });
}
