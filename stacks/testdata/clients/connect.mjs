// Connects to each URL of its arguments with node-postgres and with Prisma's
// driver adapter, and prints how that ended, as JSON: "encrypted", "in clear", or
// why the client refused.
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'

const question = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'

async function nodePostgres(connectionString) {
  const client = new pg.Client({ connectionString })
  try {
    await client.connect()
    return (await client.query(question)).rows[0].ssl
  } finally {
    await client.end()
  }
}

async function prisma(connectionString) {
  const adapter = await new PrismaPg({ connectionString }).connect()
  try {
    return (await adapter.queryRaw({ sql: question, args: [], argTypes: [] })).rows[0][0]
  } finally {
    await adapter.dispose()
  }
}

async function outcome(connect, url) {
  try {
    return (await connect(url)) ? 'encrypted' : 'in clear'
  } catch (error) {
    return [error.code, error.cause?.kind, error.message, error.cause?.reason].filter(Boolean).join(' ')
  }
}

const outcomes = []
for (const url of process.argv.slice(2)) {
  outcomes.push({
    'node-postgres': await outcome(nodePostgres, url),
    '@prisma/adapter-pg': await outcome(prisma, url),
  })
}
console.log(JSON.stringify(outcomes))
