import { DatabaseSync, type StatementSync } from "node:sqlite"
import { AppError, assertInvariant } from "../../base/errors.ts"

/** SQLite's result codes: https://sqlite.org/rescode.html (read 2026-11). */
const codes = { busy: 5, ioError: 10, corrupt: 11, full: 13, notADatabase: 26 } as const

type Value = string | number | null

/** The file of a journal, open for this process alone. */
export class JournalFile {
  readonly database: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(path: string) {
    this.database = openDatabase(path)
  }

  all(sql: string, values: readonly Value[] = []): Record<string, unknown>[] {
    return this.#statement(sql).all(...values)
  }

  run(sql: string, values: readonly Value[] = []): void {
    this.#statement(sql).run(...values)
  }

  /** All of the work or none; synced when it returns. Errors: DISK_FULL. */
  transaction<Result>(work: () => Result): Result {
    assertInvariant(!this.database.isTransaction, "a transaction of the journal is open")
    try {
      this.database.exec("begin immediate")
      const result = work()
      this.database.exec("commit")
      return result
    } catch (thrown) {
      // A full disk ends the transaction by itself: https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
      if (this.database.isTransaction) this.database.exec("rollback")
      throw writeError(thrown)
    }
  }

  close(): void {
    this.database.close()
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known) return known
    const statement = this.database.prepare(sql)
    this.#prepared.set(sql, statement)
    return statement
  }
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path)
  try {
    // Before the first table: then what was pruned can be given back to the disk. https://sqlite.org/pragma.html#pragma_auto_vacuum
    database.exec("PRAGMA auto_vacuum=INCREMENTAL")
    // EXCLUSIVE before WAL: without shared memory, and a second agent on the folder is turned away: https://sqlite.org/wal.html#noshm
    database.exec("PRAGMA locking_mode=EXCLUSIVE")
    database.exec("PRAGMA journal_mode=WAL")
    // FULL syncs the log with each commit; NORMAL would lose answered receipts at a power cut: https://sqlite.org/pragma.html#pragma_synchronous
    database.exec("PRAGMA synchronous=FULL")
    dropNarrow(database)
    database.exec(schema)
    const columns = database.prepare("select name from pragma_table_info('kept_rows')").all()
    const has = (wanted: string) => columns.some(({ name }) => name === wanted)
    if (!has("answered_ms")) database.exec("alter table kept_rows add column answered_ms integer")
    if (!has("before_hash")) database.exec("alter table kept_rows add column before_hash text")
    database.exec("create index if not exists kept_proofs on kept_rows (till_id, place) where before_hash is not null")
    saySizes(database)
    return database
  } catch (thrown) {
    database.close()
    if (codeOf(thrown) === codes.busy)
      throw new AppError("STATE_FORBIDS", `another agent runs on ${path}: stop it first`, { cause: thrown })
    throw thrown
  }
}

/** Of journals of before: the schema makes it again. */
function dropNarrow(database: DatabaseSync): void {
  const columns = database.prepare("select name from pragma_index_info('kept_unsent')").all()
  if (columns.length > 0 && !columns.some(({ name }) => name === "outcome")) database.exec("drop index kept_unsent")
}

/** Whether SQLite says that the file is not what it wrote. */
export function isDamage(thrown: unknown): boolean {
  const code = codeOf(thrown)
  return code === codes.corrupt || code === codes.notADatabase
}

/** What a failed write of a receipt means to a till. */
function writeError(thrown: unknown): unknown {
  const code = codeOf(thrown)
  if (code === codes.full || code === codes.ioError)
    return new AppError("DISK_FULL", "the disk of the store's agent takes nothing more: the receipt is not kept", {
      cause: thrown,
      retryAfterMs: 10_000,
    })
  return thrown
}

function codeOf(thrown: unknown): number | undefined {
  const code = thrown instanceof Error && "errcode" in thrown ? thrown.errcode : undefined
  // Extended codes have the primary one in their low byte.
  return typeof code === "number" ? code & 0xff : undefined
}

const schema = `
  create table if not exists kept_facts (name text primary key, value text not null) strict, without rowid;

  create table if not exists kept_rows (
    till_id      text not null,
    place        integer not null,
    journal      text not null,
    hash         text not null,
    epoch        text,
    business_day text,
    sequence     integer,
    digest       text not null,
    -- counts, parked, conflict, misfit: as the agent judged it.
    standing     text not null,
    first_digest text,
    problems     text not null,
    receipt      text not null,
    kept_at      text not null,
    -- What the centre made of it: null until it answered.
    outcome      text,
    refused_for  text,
    send_after   text,
    -- When the centre answered last, by this machine's clock.
    answered_ms  integer,
    -- Of an entry that stays although what was before it is pruned: the hash that its own one covers.
    before_hash  text,
    primary key (till_id, place)
  ) strict, without rowid;
  create unique index if not exists kept_once on kept_rows (till_id, digest);
  create index if not exists kept_numbers on kept_rows (till_id, epoch, business_day, sequence) where sequence is not null;
  -- With the outcome, though it says nothing here: SQLite then counts what waits without reading it.
  create index if not exists kept_unsent on kept_rows (till_id, place, outcome) where outcome is null;
  create index if not exists kept_refused on kept_rows (till_id, place) where outcome = 'refused';

  -- The end of each chain, and how much of it the centre was told.
  create table if not exists kept_tills (
    till_id     text primary key,
    place       integer not null,
    hash        text not null,
    -- What is older is forgotten: the chain is walked from here.
    base_place  integer not null default 0,
    base_hash   text not null default '',
    known_place integer not null default 0,
    known_hash  text not null default ''
  ) strict, without rowid;

  -- Wrong codes that were typed for pickups and at tills: guessing must not begin anew with the agent.
  create table if not exists wrong_codes (
    kind text not null, name text not null, count integer not null, last_ms integer not null, primary key (kind, name)
  ) strict, without rowid;

  -- What people must know of this journal, until the centre has it.
  create table if not exists kept_incidents (
    incident text primary key, what text not null, at text not null, told_at text
  ) strict, without rowid;
`

/**
 * How many rows an index finds, on average, with its first column, its first two, and so on. Without this SQLite takes it that a till has ten
 * receipts, and reads all of them for each sale. Said and not counted, because a journal begins empty, and counting reads all of a large one:
 * https://sqlite.org/fileformat2.html#stat1tab, https://sqlite.org/optoverview.html#manual_control_of_query_plans_using_sqlite_stat_tables
 */
const sizes = `
  begin immediate;
  analyze kept_facts;
  insert into sqlite_stat1 (tbl, idx, stat) values
    ('kept_rows', 'kept_rows', '1000000 100000 1'),
    ('kept_rows', 'kept_once', '1000000 100000 1'),
    ('kept_rows', 'kept_numbers', '1000000 100000 50000 1000 1'),
    ('kept_rows', 'kept_unsent', '1000 100 1 1'),
    ('kept_rows', 'kept_refused', '10 2 1'),
    ('kept_rows', 'kept_proofs', '10 2 1');
  commit;
  analyze sqlite_schema;
`

/** Once in the life of a journal: a full disk must not keep an agent from opening what it has. */
function saySizes(database: DatabaseSync): void {
  const said = database.prepare("select count(*) as tables from sqlite_schema where name = 'sqlite_stat1'").get()
  if (said?.["tables"] === 0) database.exec(sizes)
}
