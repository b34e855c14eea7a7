// `search-index`: builds the index of twilio.search_communications() with a text search configuration, or drops it. The worker
// goes on loading meanwhile. An index that an interrupted build left behind is dropped first.

import type { DatabaseConfig } from '../../config/config.ts';
import { openConfigured } from '../../database.ts';
import {
  type BuildProgress,
  buildSearchIndex,
  dropSearchIndex,
  readSearchIndex,
  type SearchIndex,
  type SearchIndexFacts,
} from '../../postgres/search-index.ts';
import { formatBytes, formatWork } from '../../status/format.ts';
import { exitStatus, UsageError } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';

export interface SearchIndexOptions {
  /** The name of a text search configuration; null drops the index. */
  configuration: string | null;
  json: boolean;
}

/** Changes the index, if it is not as wanted. @returns the exit status. @throws UsageError, what ended it. */
export async function changeSearchIndex(
  config: DatabaseConfig,
  { configuration, json }: SearchIndexOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  await using opened = await openConfigured(config, { signal });
  const { database } = opened;
  await opened.prepare();
  const read = () => database.run((queries) => readSearchIndex(queries, configuration ?? ''));
  const facts = await read();
  refuse(facts, configuration);
  const { index, found } = facts;
  const isWanted =
    configuration === null ? index === null : index?.valid === true && index.configuration === found?.name;
  const startedAtMs = performance.now();
  if (!isWanted) {
    if (index !== null) await dropSearchIndex(database);
    if (found !== null) {
      const progress = createLines(terminal);
      await buildSearchIndex(database, found.oid, signal, progress.show).finally(progress.end);
    }
  }
  const seconds = Math.round(performance.now() - startedAtMs) / 1000;
  const now = isWanted ? index : (await read()).index;
  const changed = !isWanted;
  if (json) {
    const { bytes = null } = now ?? {};
    terminal.write(JSON.stringify({ configuration: now?.configuration ?? null, changed, bytes, seconds }, null, 2));
  } else terminal.write(describe(now, changed ? seconds : null));
  return exitStatus.inSync;
}

/** @throws UsageError if it cannot be done, with what to do. */
function refuse({ isOwner, owner, building, found, configurations }: SearchIndexFacts, wanted: string | null): void {
  if (wanted !== null && found === null) {
    throw new UsageError(
      `this database has no text search configuration "${wanted}"; it has ${configurations.join(', ')}`,
    );
  }
  if (!isOwner) throw new UsageError(`only "${owner}", who owns twilio.communications, may change its indexes`);
  if (building) throw new UsageError('an index on twilio.communications is being built: wait until that has ended');
}

/** `seconds`: what the change took; null if there was none. */
function describe(index: SearchIndex | null, seconds: number | null): string {
  if (index === null) return seconds === null ? 'There is no search index.' : 'The search index was dropped.';
  const what = `${index.configuration}, ${formatBytes(index.bytes)}`;
  return seconds === null
    ? `The search index is as wanted: ${what}.`
    : `The search index was built in ${formatWork(seconds)}: ${what}.`;
}

/** Progress on a terminal as one line that is written over, elsewhere as a line for each phase. */
function createLines({ progress: stream, interactive }: Terminal) {
  let shown = '';
  return {
    show({ phase, percent }: BuildProgress): void {
      const line = interactive && percent !== null ? `${phase}, ${percent} %` : phase;
      if (line !== shown) stream.write(interactive ? `\r\u001b[K${line}` : `${line}\n`);
      shown = line;
    },
    end(): void {
      if (interactive && shown !== '') stream.write('\r\u001b[K');
    },
  };
}
