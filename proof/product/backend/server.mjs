// The smallest backend that Parrot can run. release.json says which release it is,
// and whether its health check passes: proof/run breaks one.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const release = JSON.parse(readFileSync(new URL('release.json', import.meta.url), 'utf8'));

const pages = {
  '/api/health': async () => ({ status: release.healthy ? 200 : 500, version: release.version }),
  // Eight digits of a digest show that a key was replaced, and nothing of the key.
  '/api/key': async () => ({
    status: 200,
    key: createHash('sha256').update(process.env.JWT_SECRET ?? '').digest('hex').slice(0, 8),
  }),
  '/api/database': async () => {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: process.env.DATABASE_URL, connectionTimeoutMillis: 5_000 });
    // After a failed connect there is nothing to end.
    await client.connect();
    try {
      const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
      return { status: 200, tls: rows[0].ssl };
    } finally {
      await client.end();
    }
  },
};

const server = createServer(async (request, response) => {
  let answer = { status: 404 };
  try {
    const page = pages[new URL(request.url, 'http://backend').pathname];
    if (page) answer = await page();
  } catch (error) {
    console.error(JSON.stringify({ level: 'error', message: error.message }));
    answer = { status: 500, error: error.code ?? 'failed' };
  }
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
});
server.keepAliveTimeout = 65_000; // the load balancer's is 60 s
server.listen(Number(process.env.PORT ?? 3001), '0.0.0.0');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
