// `npm run pictures`: draws the pictures of docs/bi.md anew, from the results of the queries that stand there.

import { writeFileSync } from 'node:fs';
import { useDatabaseServer } from '../database.ts';
import { startServer } from '../database-server.ts';
import { draw } from './charts.ts';
import { openDemonstrated } from './data.ts';
import { dashboards, folder } from './guide.ts';

const server = await startServer();
try {
  useDatabaseServer(server.url);
  await using demonstrated = await openDemonstrated();
  for (const { picture, queries } of dashboards()) {
    writeFileSync(new URL(picture, folder), draw(picture, await demonstrated.read(queries[0] ?? '')));
    process.stdout.write(`docs/${picture}\n`);
  }
} finally {
  await server.stop();
}
