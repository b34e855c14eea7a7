import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./src/postgres/schema.ts', './src/postgres/bookkeeping.ts', './src/postgres/bookkeeping-privacy.ts'],
  out: './migrations',
  migrations: { schema: 'twilio_sync' },
});
