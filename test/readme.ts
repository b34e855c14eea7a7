// The documents as data: what stands under a heading, its fenced blocks and its tables. What a test expects in a document
// and does not find is an error, so that a text that was moved or renamed is noticed.

import { globSync, readFileSync } from 'node:fs';

export const root = new URL('../', import.meta.url);

/** Every document, by its path from the root. */
export const documents: string[] = globSync(['*.md', 'docs/**/*.md', 'dbt/**/*.md'], { cwd: root }).sort();

export interface Document {
  text: string;
  titles: string[];
  /** The text under a heading, up to the next one of its level or above. */
  section(title: string): string;
  /** The one block of a language under a heading. */
  block(title: string, language: string): string;
  /** The body rows of the first table under a heading, cell by cell. */
  table(title: string): string[][];
  /** A query without its semicolon, with some of its literals replaced, as a reader puts in others. */
  query(title: string, literals?: Record<string, string>): string;
}

interface Heading {
  level: number;
  title: string;
  start: number;
  end: number;
}

/** Reads a document by its path from the root. */
export function documentOf(path: string): Document {
  const text = readFileSync(new URL(path, root), 'utf8');
  const all = headings(text);

  function section(title: string): string {
    const at = all.findIndex((heading) => heading.title === title);
    const heading = all[at];
    if (heading === undefined) throw new Error(`${path} has no heading "${title}"`);
    const next = all.slice(at + 1).find(({ level }) => level <= heading.level);
    return text.slice(heading.end, next?.start);
  }

  function block(title: string, language: string): string {
    const found = blocks(section(title), language);
    if (found.length !== 1 || found[0] === undefined) {
      throw new Error(`${path} has ${found.length} blocks of ${language} under "${title}", not one`);
    }
    return found[0];
  }

  function table(title: string): string[][] {
    const lines = section(title).split('\n');
    const rule = lines.findIndex((line) => /^\|[-| ]+\|$/.test(line));
    if (rule === -1) throw new Error(`${path} has no table under "${title}"`);
    const end = lines.findIndex((line, at) => at > rule && !line.startsWith('|'));
    return lines.slice(rule + 1, end).map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
  }

  function query(title: string, literals: Record<string, string> = {}): string {
    let sql = block(title, 'sql').trim().replace(/;$/, '');
    for (const [literal, other] of Object.entries(literals)) {
      if (!sql.includes(`'${literal}'`)) throw new Error(`${path}, "${title}" has no literal '${literal}'`);
      sql = sql.replaceAll(`'${literal}'`, `'${other.replaceAll("'", "''")}'`);
    }
    return sql;
  }

  return { text, titles: all.map(({ title }) => title), section, block, table, query };
}

/** Headings outside of fences; `#` inside of them is a comment of some shell. */
function headings(text: string): Heading[] {
  const found: Heading[] = [];
  let fenced = false;
  let at = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced;
    const [, marks = '', title = ''] = (!fenced && /^(#+) (.+)$/.exec(line)) || [];
    if (marks !== '') found.push({ level: marks.length, title, start: at, end: at + line.length });
    at += line.length + 1;
  }
  return found;
}

/** The fenced blocks of a language in a text. */
export function blocks(text: string, language: string): string[] {
  return Array.from(text.matchAll(/^```(\w*)\n(.*?)^```$/gms))
    .filter(([, name]) => name === language)
    .map(([, , content = '']) => content);
}

/** What stands between backticks in a text. */
export function codes(text: string): string[] {
  return Array.from(text.matchAll(/`([^`]+)`/g), ([, code = '']) => code);
}
