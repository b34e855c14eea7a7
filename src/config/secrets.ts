// Every secret that a process knows, so that its log can blank them: those of the environment, and of the files that are read while it
// runs, the accounts file among them.

import { secretsWithin } from './account-entry.ts';
import { type Environment, type ReadFile, readSecret } from './environment.ts';
import { settings } from './settings.ts';

/**
 * Every secret that is set, used or not, in each form in which a text may quote it: as it is, and the password of a URL
 * encoded and decoded. Files that cannot be read are left out.
 */
export function findSecrets(env: Environment, readFile: ReadFile): string[] {
  const found: string[] = [];
  for (const [name, row] of settings) {
    if (row.secret) {
      const path = env[`${name}_FILE`];
      const text = env[name] || (path && readSecret(name, path, readFile, () => {}));
      if (text) found.push(...secretsOf(text));
    } else if (/^HTTPS?_PROXY$/.test(name)) {
      for (const text of [env[name], env[name.toLowerCase()]]) if (text) found.push(...passwordsOf(text));
    }
  }
  return found;
}

/** Files are read again while the process runs: `secrets` has what was set at the start, and what each file has held since. */
export function rememberSecrets(
  env: Environment,
  readFile: ReadFile,
): { readFile: ReadFile; secrets: Iterable<string> } {
  const held = new Map<string, string[]>();
  const fixed = findSecrets(env, readFile);
  return {
    readFile(path) {
      const text = readFile(path);
      const secrets = path === env['SYNC_ACCOUNTS_FILE'] ? secretsWithin(text) : secretsOf(text.replace(/\r?\n$/, ''));
      // Requests in flight may still quote the previous ones.
      const known = new Set([...secrets, ...(held.get(path) ?? [])]);
      held.set(path, [...known].slice(0, Math.max(20, 2 * secrets.length)));
      return text;
    },
    secrets: {
      *[Symbol.iterator]() {
        yield* fixed;
        for (const texts of held.values()) yield* texts;
      },
    },
  };
}

const secretsOf = (text: string) => [text, ...passwordsOf(text)];

function passwordsOf(url: string): string[] {
  const parsed = URL.parse(url.includes('://') ? url : `http://${url}`);
  const inQuery = ['password', 'sslpassword'].flatMap((name) => parsed?.searchParams.get(name) || []);
  const password = parsed?.password;
  if (!password) return inQuery;
  try {
    return [password, decodeURIComponent(password), ...inQuery];
  } catch {
    return [password, ...inQuery];
  }
}
