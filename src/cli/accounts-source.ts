// The accounts file for a process that runs for long: it is read again only where it has changed, since a thousand entries take a while.

import { type AccountsRead, readAccounts } from '../config/accounts.ts';
import { ConfigError } from '../config/config.ts';
import type { Environment, ReadFile } from '../config/environment.ts';
import type { AccountsSource } from './commands/run-accounts.ts';

/** Reads it for the first time. @throws ConfigError, also if there is not one account that can be worked for. */
export function accountsSource(env: Environment, readFile: ReadFile): AccountsSource {
  const path = env['SYNC_ACCOUNTS_FILE'] ?? '';
  const { read, readAgain } = rememberFile(readFile, path);
  let last = readAccounts(env, read);
  if (last.accounts.length === 0) throw new ConfigError(last.refused.flatMap(({ problems }) => problems));
  return {
    first: last,
    reread() {
      // What is wrong with an entry may be the file of a secret, which may have come meanwhile.
      if (!readAgain() && last.refused.length === 0) return null;
      const before = last;
      last = readAccounts(env, read);
      return JSON.stringify(namesOf(last)) === JSON.stringify(namesOf(before)) ? null : last;
    },
  };
}

const namesOf = ({ accounts, refused }: AccountsRead) => [
  accounts.map(({ sid, schema, version }) => [sid, schema, version]),
  refused.map(({ problems }) => problems),
];

/** `readAgain` says whether the file has changed since it was read last. */
function rememberFile(readFile: ReadFile, path: string): { read: ReadFile; readAgain(): boolean } {
  let text: string | null = null;
  return {
    read(wanted) {
      const found = readFile(wanted);
      if (wanted === path) text = found;
      return found;
    },
    readAgain() {
      try {
        return readFile(path) !== text;
      } catch {
        // Reading it in earnest says why.
        return true;
      }
    },
  };
}
