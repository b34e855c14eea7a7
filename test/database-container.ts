// A postgres:18 container for the tests, for as long as standard input stays open: so it ends with whoever started this,
// however that ends. Says one line of JSON: where the server is, or why there is none. Run by database-server.ts.

import { GenericContainer, getContainerRuntimeClient, ImageName, Wait } from 'testcontainers';

const image = 'postgres:18';
const pullLimitMs = 90_000;

function say(answer: { url: string } | { reason: string }): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

function startContainer() {
  return new GenericContainer(image)
    .withEnvironment({ POSTGRES_PASSWORD: 'test' })
    .withCommand(['postgres', '-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'])
    .withExposedPorts(5432)
    .withWaitStrategy(Wait.forAll([Wait.forListeningPorts(), Wait.forLogMessage(/ready to accept connections/, 2)]))
    .withStartupTimeout(60_000)
    .start();
}

const client = await getContainerRuntimeClient().catch(() => undefined);
if (client === undefined) {
  say({ reason: 'no Docker engine answers' });
  process.exit();
}
const limit = setTimeout(() => {
  say({ reason: `Docker's ${image} did not come within ${pullLimitMs / 1000} s` });
  process.exit();
}, pullLimitMs);
try {
  if (!(await client.image.exists(ImageName.fromString(image)))) await client.image.pull(ImageName.fromString(image));
  clearTimeout(limit);
  const container = await startContainer();
  say({ url: `postgres://postgres:test@${container.getHost()}:${container.getMappedPort(5432)}/postgres` });
  process.stdin.resume().once('end', async () => {
    await container.stop();
    process.exit();
  });
  // Ctrl-C in a terminal reaches this process too, but the tests may still be at the database: they end first.
  process.on('SIGINT', () => {});
} catch (error) {
  say({ reason: `Docker has no ${image}: ${error instanceof Error ? error.message : String(error)}` });
  process.exit();
}
