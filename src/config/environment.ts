// Environment variables, or the files that NAME_FILE names, in; one checked value for each setting out. Each value is
// checked alone: config.ts combines them. Nothing throws: problems are collected, and no message holds a secret.

import { closest } from '../lib/closest.ts';
import { reasonOf } from '../lib/reason.ts';
import { type Part, type SettingName, settings, type Values } from './settings.ts';

export interface Problem {
  setting: string;
  message: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;
export type ReadFile = (path: string) => string;

/** `given` also has the settings that are set but invalid or not readable. */
export interface Given {
  values: Values;
  given: ReadonlySet<SettingName>;
}

/** Prefixes that only this program uses: any other name with them is a mistake. */
const ours = /^(SYNC|LOOKBACK|RECONCILE|TWILIO_CREATED)_/;
/** Variables that Kubernetes and Docker set for a service called `sync`. */
const ofServices = /_SERVICE_(HOST|PORT)(_|$)|_PORT$|_PORT_\d+_(TCP|UDP)/;

/** Names with our prefixes that are not settings: otherwise nobody would notice a typing mistake. */
export function findMisspelt(env: Environment): Problem[] {
  const known = new Set<string>(settings.keys());
  for (const [name, row] of settings) if (row.secret) known.add(`${name}_FILE`);
  return Object.keys(env)
    .filter((name) => env[name] && ours.test(name) && !ofServices.test(name) && !known.has(name))
    .map((name) => {
      const meant = closest(name, known);
      return { setting: name, message: `${name} is not a setting${meant ? `; did you mean ${meant}?` : ''}` };
    });
}

/** Reads and checks each value. A wrong one is not in `values`, but in `problems`. */
export function readValues(env: Environment, readFile: ReadFile, parts: readonly Part[], problems: Problem[]): Given {
  const values: Record<string, unknown> = {};
  const given = new Set<SettingName>();
  for (const [name, row] of settings) {
    if (!parts.includes(row.part)) continue;
    const report = (message: string) => problems.push({ setting: name, message });
    const path = row.secret && env[`${name}_FILE`];
    // As in curl: the proxy variables are read in lower case too, and that takes precedence.
    const direct = (name.endsWith('_PROXY') && env[name.toLowerCase()]) || (isServiceLink(env, name) ? '' : env[name]);
    if (direct || path) given.add(name);
    if (direct && path) report(`${name} and ${name}_FILE are both set: set only one`);
    const text = path && !direct ? readSecret(name, path, readFile, report) : direct || undefined;
    if (text === undefined && (row.default === undefined || given.has(name))) continue;
    const parsed = row.schema.safeParse(text ?? row.default);
    const flaw = findFlaw(text ?? '', row.verbatim) ?? (parsed.success ? undefined : findSpace(text ?? ''));
    if (flaw !== undefined) {
      report(`${name} takes ${row.takes}; what ${direct ? 'is set' : `${name}_FILE names`} ${flaw}`);
    } else if (parsed.success) values[name] = parsed.data;
    else
      report(`${name} takes ${row.takes}${row.secret || row.shown === false ? '' : `, not ${JSON.stringify(text)}`}`);
  }
  return { values: values as Values, given };
}

/**
 * What copying did to a text, hard to see and never meant; undefined for nothing. `verbatim`: quotes may be a part of it.
 * Says nothing of the text itself.
 */
export function findFlaw(text: string, verbatim = false): string | undefined {
  // UTF-16 that was read as UTF-8: its mark is no character, and of each other character one half is U+0000.
  if (/^\ufffd|\0/.test(text)) return 'is UTF-16: save it as UTF-8';
  if (text.startsWith('\ufeff')) return 'begins with a byte-order mark: save it without one';
  if (text.includes('\r')) return 'has a carriage return in it: save the file with the line ends of Unix';
  if (!verbatim && /^(["'`]).*\1$/s.test(text)) return 'has quotes around it: leave them out';
  return undefined;
}

const findSpace = (text: string) => (/^\s|\s$/.test(text) ? 'has a space at its beginning or end' : undefined);

/** Variables that Kubernetes has set for a Service with the name of a setting (`http`): they are ignored. */
export function findServiceLinks(env: Environment, parts: readonly Part[]): SettingName[] {
  return [...settings]
    .filter(([name, { part }]) => parts.includes(part) && isServiceLink(env, name))
    .map(([name]) => name);
}

function isServiceLink(env: Environment, name: string): boolean {
  return name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(env[name] ?? '');
}

/** What a file holds; undefined if that cannot be read, or is nothing. */
export function readSecret(name: SettingName, path: string, readFile: ReadFile, report: (message: string) => void) {
  try {
    const text = readFile(path).replace(/\r?\n$/, '');
    if (text !== '') return text;
    report(`${name}_FILE names ${path}, which is empty`);
  } catch (error) {
    report(`${name}_FILE names ${path}, which cannot be read (${reasonOf(error)})`);
  }
  return undefined;
}
