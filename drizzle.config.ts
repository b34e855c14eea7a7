import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./src/store/schema.ts', './src/store/bookkeeping.ts'],
  out: './migrations',
  migrations: { schema: 'twilio_sync' },
});
