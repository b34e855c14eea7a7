// docs/bi.md as data: the queries under each heading, as an analyst would copy them, and the pictures that go with them.

import { readFileSync } from 'node:fs';

export const folder: URL = new URL('../../docs/', import.meta.url);
export const guide: string = readFileSync(new URL('bi.md', folder), 'utf8');

export interface Dashboard {
  title: string;
  /** Without their last semicolon. */
  queries: string[];
  /** Its path, from the guide. */
  picture: string;
}

/** The dashboards, in the guide's order. The first query of each is what its picture shows. */
export function dashboards(): Dashboard[] {
  const [, part = ''] = /^## Four dashboards\n(.*?)^## /ms.exec(guide) ?? [];
  return part
    .split(/^### /m)
    .slice(1)
    .map((section) => ({
      title: section.split('\n')[0] ?? '',
      queries: Array.from(section.matchAll(/^```sql\n(.*?)^```$/gms), ([, sql = '']) => sql.trim().replace(/;$/, '')),
      picture: /^!\[.+\]\((.+\.svg)\)$/m.exec(section)?.[1] ?? '',
    }));
}
