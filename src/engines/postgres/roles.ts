import { inTransaction, openSql, type Sql } from "../../base/sql.ts"

/** Bootstrap role of an embedded server: for maintenance only, never for Crossdock's own work. */
export const superuser = "postgres"
/** Database of an embedded server. */
export const databaseName = "crossdock"

/**
 * Creates the role that owns Crossdock's database, and the database. The role may do everything in its database and
 * nothing to the server: an injected statement cannot read files, run programs or stop replication. May be repeated
 * after a crash at any point; it sets the password from the file again. Does nothing on a standby.
 */
export async function prepareDatabase(
  superuserUrl: string,
  options: { owner: string; password: string },
): Promise<void> {
  const sql = openSql(superuserUrl, { connectionsMax: 1, name: "crossdock start" })
  try {
    const [server] = await sql<{ isStandby: boolean }[]>`SELECT pg_is_in_recovery() AS "isStandby"`
    if (server?.isStandby === true) return
    await prepareOwner(sql, options)
    const found = await sql`SELECT 1 FROM pg_database WHERE datname = ${databaseName}`
    if (found.length === 0) await sql`CREATE DATABASE ${sql(databaseName)} OWNER ${sql(options.owner)}`
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** Statements that define roles take no parameters, so the values are passed as settings of the transaction. */
async function prepareOwner(sql: Sql, options: { owner: string; password: string }): Promise<void> {
  await inTransaction(sql, async (transaction) => {
    await transaction`
      SELECT set_config('crossdock.owner', ${options.owner}, true), set_config('crossdock.password', ${options.password}, true)`
    // pg_read_all_stats: the doctor reports who holds a transaction open, also for other roles.
    await transaction`
      DO $do$
      DECLARE owner text := current_setting('crossdock.owner');
      BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = owner) THEN EXECUTE format('CREATE ROLE %I', owner); END IF;
        EXECUTE format(
          'ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD %L',
          owner, current_setting('crossdock.password'));
        EXECUTE format('GRANT pg_read_all_stats TO %I', owner);
      END $do$`
  })
}
