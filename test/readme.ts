// The README as data: what stands under a heading, its fenced blocks and its tables. Whatever a test expects there and
// does not find is an error, so that a text which is moved or renamed is noticed.

import { readFileSync } from 'node:fs';

export const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

interface Heading {
  level: number;
  title: string;
  start: number;
  end: number;
}

/** Headings outside of fences; `#` inside of them is a comment of some shell. */
function headings(): Heading[] {
  const found: Heading[] = [];
  let fenced = false;
  let at = 0;
  for (const line of readme.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced;
    const [, marks = '', title = ''] = (!fenced && /^(#+) (.+)$/.exec(line)) || [];
    if (marks !== '') found.push({ level: marks.length, title, start: at, end: at + line.length });
    at += line.length + 1;
  }
  return found;
}

export const titles: string[] = headings().map(({ title }) => title);

/** The text under a heading, up to the next one of its level or above. */
export function section(title: string): string {
  const all = headings();
  const at = all.findIndex((heading) => heading.title === title);
  const heading = all[at];
  if (heading === undefined) throw new Error(`README.md has no heading "${title}"`);
  const next = all.slice(at + 1).find(({ level }) => level <= heading.level);
  return readme.slice(heading.end, next?.start);
}

/** The fenced blocks of a language in a text. */
export function blocks(text: string, language: string): string[] {
  return Array.from(text.matchAll(/^```(\w*)\n(.*?)^```$/gms))
    .filter(([, name]) => name === language)
    .map(([, , content = '']) => content);
}

/** The one block of a language under a heading. */
export function block(title: string, language: string): string {
  const found = blocks(section(title), language);
  if (found.length !== 1 || found[0] === undefined) {
    throw new Error(`README.md has ${found.length} blocks of ${language} under "${title}", not one`);
  }
  return found[0];
}

/** The body rows of the first table under a heading, cell by cell. */
export function table(title: string): string[][] {
  const lines = section(title).split('\n');
  const rule = lines.findIndex((line) => /^\|[-| ]+\|$/.test(line));
  if (rule === -1) throw new Error(`README.md has no table under "${title}"`);
  const end = lines.findIndex((line, at) => at > rule && !line.startsWith('|'));
  return lines.slice(rule + 1, end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

/** What stands between backticks in a text. */
export function codes(text: string): string[] {
  return Array.from(text.matchAll(/`([^`]+)`/g), ([, code = '']) => code);
}

/** A query as psql would run it: its `\set` lines taken out, and their variables, or those given, put in. */
export function psqlQuery(title: string, variables: Record<string, string> = {}): string {
  const lines = block(title, 'sql').split('\n');
  const values: Record<string, string> = {};
  for (const line of lines) {
    const [, name = '', value = ''] = /^\\set (\w+) '([^']*)'$/.exec(line) ?? [];
    if (name !== '') values[name] = variables[name] ?? value;
    else if (line.startsWith('\\')) throw new Error(`README.md, "${title}": only \\set is understood, not ${line}`);
  }
  for (const name of Object.keys(variables)) {
    if (!(name in values)) throw new Error(`README.md, "${title}" sets no variable ${name}`);
  }
  return lines
    .filter((line) => !line.startsWith('\\'))
    .join('\n')
    .trim()
    .replace(/;$/, '')
    .replace(/:'(\w+)'/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`README.md, "${title}": :'${name}' is never set`);
      return `'${value.replaceAll("'", "''")}'`;
    });
}
