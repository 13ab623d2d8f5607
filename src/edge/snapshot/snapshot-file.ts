import { chmodSync, existsSync, rmSync } from "node:fs"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import type { SnapshotArticle, SnapshotKind, SnapshotPage } from "../../canonical/sales/snapshot.ts"
import { isDamage } from "../journal/database.ts"

/** Grows when the tables or the bodies change: a file of another one is read anew. */
const format = "1"

type Value = string | number | null

/** How far a file is. */
export interface Reached {
  cursor?: string
  /** By the centre's clock: all that changed before is in the file. Absent until everything was read once. */
  asOf?: string
  /** When that was asked, by this machine's clock. */
  confirmedMs?: number
}

/**
 * What a store has of the centre, on its own disk and beside the journal. It is a copy: a file that is damaged, of another store or of another
 * program is thrown away and read anew. A page is applied whole or not.
 */
export class SnapshotFile {
  readonly #path: string
  readonly #storeId: string
  readonly #onThrownAway: (why: string) => void
  #database: DatabaseSync
  #prepared = new Map<string, StatementSync>()

  constructor(of: { path: string; storeId: string; onThrownAway?: (why: string) => void }) {
    this.#path = of.path
    this.#storeId = of.storeId
    this.#onThrownAway = of.onThrownAway ?? (() => undefined)
    this.#database = this.#openWhole()
  }

  reached(): Reached {
    const facts = new Map(
      this.#all("select name, value from snapshot_facts").map((row) => [row["name"], String(row["value"])]),
    )
    const [cursor, asOf, confirmed] = [facts.get("cursor"), facts.get("as of"), facts.get("confirmed")]
    return {
      ...(cursor === undefined ? {} : { cursor }),
      ...(asOf === undefined ? {} : { asOf }),
      ...(confirmed === undefined ? {} : { confirmedMs: Number(confirmed) }),
    }
  }

  fact(name: string): string | undefined {
    const [row] = this.#all("select value from snapshot_facts where name = ?", [name])
    return row && String(row["value"])
  }

  /**
   * Applies a page: things, the cursor behind them, and which sold lines are off the stock by now. The first page of a round says as of when it
   * is, once the last one is there. The same page again changes nothing.
   */
  apply(page: SnapshotPage, { covered, askedMs }: { covered: readonly string[]; askedMs: number }): void {
    this.#write(() => {
      if (page.isFirst) {
        this.#setFact("round as of", page.at)
        this.#setFact("round asked", String(askedMs))
      }
      const before = Number(this.fact("generation") ?? 0)
      const generation = page.mode === "whole" && page.isFirst ? before + 1 : before
      this.#setFact("generation", String(generation))
      this.#setFact("currency", page.currency)
      for (const item of page.items) {
        this.#run("delete from snapshot_names where kind = ? and key = ?", [item.kind, item.key])
        if ("gone" in item) this.#run("delete from snapshot_items where kind = ? and key = ?", [item.kind, item.key])
        else this.#put(item, generation)
      }
      for (const fact of covered)
        this.#run("insert into snapshot_covered (fact, at_ms) values (?, ?) on conflict do nothing", [fact, askedMs])
      this.#setFact("cursor", page.cursor)
      if (page.isLast) this.#finish(page.mode, generation)
    })
  }

  #finish(mode: SnapshotPage["mode"], generation: number): void {
    if (mode === "whole") {
      this.#run("delete from snapshot_items where generation < ?", [generation])
      this.#run(
        "delete from snapshot_names where not exists (select 1 from snapshot_items i where i.kind = snapshot_names.kind and i.key = snapshot_names.key)",
      )
    }
    this.#setFact("as of", this.fact("round as of") ?? "")
    this.#setFact("confirmed", this.fact("round asked") ?? "0")
  }

  /** Notes that nothing has changed. */
  confirm({ asOf, confirmedMs }: { asOf: string; confirmedMs: number }): void {
    this.#write(() => {
      this.#setFact("as of", asOf)
      this.#setFact("confirmed", String(confirmedMs))
    })
  }

  #put({ kind, key, body }: { kind: SnapshotKind; key: string; body: object }, generation: number): void {
    this.#run(
      `insert into snapshot_items (kind, key, generation, body) values (?, ?, ?, ?)
       on conflict (kind, key) do update set generation = excluded.generation, body = excluded.body`,
      [kind, key, generation, JSON.stringify(body)],
    )
    if (kind !== "article") return
    const { sku, names } = body as SnapshotArticle
    for (const name of new Set([sku, ...names]))
      this.#run("insert into snapshot_names (name, kind, key) values (?, ?, ?) on conflict do nothing", [
        name,
        kind,
        key,
      ])
  }

  body<Body>(kind: SnapshotKind, key: string): Body | undefined {
    const [row] = this.#all("select body from snapshot_items where kind = ? and key = ?", [kind, key])
    // Written by `apply`, from a page of the centre.
    return row && (JSON.parse(String(row["body"])) as Body)
  }

  all<Body>(kind: SnapshotKind): { key: string; body: Body }[] {
    const rows = this.#all("select key, body from snapshot_items where kind = ? order by key", [kind])
    return rows.map((row) => ({ key: String(row["key"]), body: JSON.parse(String(row["body"])) as Body }))
  }

  /** The article with a name: its SKU of today before one that another had earlier, or a GTIN. */
  article(name: string): SnapshotArticle | undefined {
    const rows = this.#all(
      "select i.body from snapshot_names n join snapshot_items i using (kind, key) where n.name = ? order by i.key",
      [name],
    )
    const found = rows.map((row) => JSON.parse(String(row["body"])) as SnapshotArticle)
    return found.find(({ sku }) => sku === name) ?? found[0]
  }

  count(): Record<string, number> {
    const rows = this.#all("select kind, count(*) as n from snapshot_items group by kind")
    return Object.fromEntries(rows.map((row) => [String(row["kind"]), Number(row["n"])]))
  }

  isCovered(fact: string): boolean {
    return this.#all("select 1 from snapshot_covered where fact = ?", [fact]).length > 0
  }

  /** Forgets lines that nobody asks for any more. */
  forgetCovered(beforeMs: number): void {
    this.#write(() => this.#run("delete from snapshot_covered where at_ms < ?", [beforeMs]))
  }

  close(): void {
    this.#prepared.clear()
    this.#database.close()
  }

  #setFact(name: string, value: string): void {
    this.#run(
      "insert into snapshot_facts (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
      [name, value],
    )
  }

  #all(sql: string, values: readonly Value[] = []): Record<string, unknown>[] {
    return this.#unlessDamaged(() => this.#statement(sql).all(...values), [])
  }

  #run(sql: string, values: readonly Value[] = []): void {
    this.#statement(sql).run(...values)
  }

  #write(work: () => void): void {
    this.#unlessDamaged(() => {
      this.#database.exec("begin immediate")
      try {
        work()
        this.#database.exec("commit")
      } catch (thrown) {
        if (this.#database.isTransaction) this.#database.exec("rollback")
        throw thrown
      }
    }, undefined)
  }

  /** Damage that shows while it runs ends the file; whoever asked hears what an empty one says. */
  #unlessDamaged<Result>(work: () => Result, otherwise: Result): Result {
    try {
      return work()
    } catch (thrown) {
      if (!isDamage(thrown) || this.#database.isTransaction) throw thrown
      this.#prepared.clear()
      this.#database.close()
      this.#throwAway(thrown instanceof Error ? thrown.message : "damaged")
      this.#database = openDatabase(this.#path, this.#storeId)
      return otherwise
    }
  }

  #statement(sql: string): StatementSync {
    const statement = this.#prepared.get(sql) ?? this.#database.prepare(sql)
    this.#prepared.set(sql, statement)
    return statement
  }

  #throwAway(why: string): void {
    for (const end of ["", "-wal", "-shm"]) rmSync(this.#path + end, { force: true })
    this.#onThrownAway(why)
  }

  #openWhole(): DatabaseSync {
    if (existsSync(this.#path)) {
      const problem = problemOf(this.#path, this.#storeId)
      if (problem !== undefined) this.#throwAway(problem)
    }
    return openDatabase(this.#path, this.#storeId)
  }
}

/** Why a file is not used; undefined for one that is whole and this store's. */
function problemOf(path: string, storeId: string): string | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path)
    const [check] = database.prepare("pragma quick_check(1)").all() as { quick_check: string }[]
    if (check?.quick_check !== "ok") return `SQLite finds damage: ${check?.quick_check}`
    const rows = database.prepare("select name, value from snapshot_facts where name in ('store', 'format')").all()
    const facts = new Map(rows.map((row) => [row["name"], row["value"]]))
    if (facts.get("store") !== storeId) return "it is another store's"
    return facts.get("format") === format ? undefined : "another version of the agent wrote it"
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } finally {
    database?.close()
  }
}

function openDatabase(path: string, storeId: string): DatabaseSync {
  const database = new DatabaseSync(path)
  database.exec("PRAGMA locking_mode=EXCLUSIVE")
  database.exec("PRAGMA journal_mode=WAL")
  // A power cut may take the newest pages back, and their cursor with them: they are read again. https://sqlite.org/pragma.html#pragma_synchronous
  database.exec("PRAGMA synchronous=NORMAL")
  // Names of buyers whose pickup has ended are overwritten: https://sqlite.org/pragma.html#pragma_secure_delete
  database.exec("PRAGMA secure_delete=ON")
  database.exec(schema)
  const put = database.prepare("insert into snapshot_facts (name, value) values (?, ?) on conflict do nothing")
  put.run("store", storeId)
  put.run("format", format)
  chmodSync(path, 0o600)
  return database
}

const schema = `
  create table if not exists snapshot_facts (name text primary key, value text not null) strict, without rowid;
  create table if not exists snapshot_items (
    kind text not null, key text not null,
    -- Grows whenever everything is read: what the last reading did not find is gone.
    generation integer not null,
    body text not null,
    primary key (kind, key)
  ) strict, without rowid;
  create table if not exists snapshot_names (
    name text not null, kind text not null, key text not null, primary key (name, kind, key)
  ) strict, without rowid;
  create index if not exists snapshot_names_of on snapshot_names (kind, key);
  -- Lines of own receipts that are off the stock in this file.
  create table if not exists snapshot_covered (fact text primary key, at_ms integer not null) strict, without rowid;
`
