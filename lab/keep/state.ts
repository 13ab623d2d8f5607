import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { StatementSync } from "node:sqlite"
import { deserialize, serialize } from "node:v8"

/** The stored records of one kind of one simulator. */
export type Drawer = {
  /** The records of the former run, in the order in which each was first kept. */
  load(): unknown[]
  /** Marks a record as new or changed. `read` is called when it is written: after the change is complete. */
  mark(key: string | number, read: () => unknown): void
  remove(key: string | number): void
  clear(): void
}

/** The state of a lab's simulators, kept in a file, so that the next lab in the same folder continues from it. */
export type LabState = {
  /** 1 for the first lab in the folder, one more with every start. */
  readonly run: number
  /** How many records there were at the start, by simulator and kind: `shopify/orders`. */
  readonly found: Readonly<Record<string, number>>
  drawer(simulator: string, kind: string): Drawer
  /** Resolves when every change marked so far would survive a kill of this process. */
  saved(): Promise<void>
  close(): void
}

/** Where the state of a lab lies inside its folder. */
const stateFileName = "lab.sqlite"

/**
 * Opens the state kept in a folder, or creates one. Changes are collected and written once per turn of the event loop.
 * Nothing that reveals a change (a response, a webhook) may be sent before `saved()` resolves. Killing the process
 * therefore loses nothing that was revealed; a power failure may, because the file is not flushed to disk.
 */
export function openLabState(folder: string, seed: number): LabState {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, stateFileName)
  const database = open(file)
  const run = beginRun(database, { seed, file })
  return new StateFile(database, run)
}

/** A change that waits to be written; `read` is absent when the record is removed. */
type Change = { simulator: string; kind: string; key: string; read: (() => unknown) | undefined }

class StateFile implements LabState {
  readonly run: number
  readonly found: Readonly<Record<string, number>>
  readonly #database: DatabaseSync
  readonly #put: StatementSync
  readonly #delete: StatementSync
  readonly #clear: StatementSync
  readonly #changes = new Map<string, Change>()
  #waiters: (() => void)[] = []
  #timer: NodeJS.Immediate | undefined
  #isClosed = false

  constructor(database: DatabaseSync, run: number) {
    this.#database = database
    this.run = run
    this.#put = database.prepare(
      "INSERT INTO record (simulator, kind, key, value) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    )
    this.#delete = database.prepare("DELETE FROM record WHERE simulator = ? AND kind = ? AND key = ?")
    this.#clear = database.prepare("DELETE FROM record WHERE simulator = ? AND kind = ?")
    const counts = database.prepare("SELECT simulator, kind, count(*) AS count FROM record GROUP BY 1, 2").all()
    this.found = Object.fromEntries(
      counts.map(({ simulator, kind, count }) => [`${String(simulator)}/${String(kind)}`, Number(count)]),
    )
  }

  drawer(simulator: string, kind: string): Drawer {
    const change = (key: string, read: Change["read"]): void => {
      // A simulator was stopped in the middle of something; that is how a killed one ends, too.
      if (this.#isClosed) return
      this.#changes.set(`${simulator}/${kind}/${key}`, { simulator, kind, key, read })
      this.#timer ??= setImmediate(() => this.#write())
    }
    return {
      load: () => this.#load(simulator, kind),
      mark: (key, read) => change(String(key), read),
      remove: (key) => change(String(key), undefined),
      clear: () => {
        for (const [id, waiting] of this.#changes)
          if (waiting.simulator === simulator && waiting.kind === kind) this.#changes.delete(id)
        if (!this.#isClosed) this.#clear.run(simulator, kind)
      },
    }
  }

  saved(): Promise<void> {
    if (this.#changes.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
    })
  }

  close(): void {
    this.#write()
    this.#isClosed = true
    this.#database.close()
  }

  #load(simulator: string, kind: string): unknown[] {
    const rows = this.#database
      .prepare("SELECT value FROM record WHERE simulator = ? AND kind = ? ORDER BY position")
      .iterate(simulator, kind)
    return Array.from(rows, ({ value }) => {
      if (!(value instanceof Uint8Array)) throw new Error("the lab's state holds something else than records")
      return deserialize(value) as unknown
    })
  }

  /** No code catches an error here (a full disk), because a lab that cannot store its state must stop. */
  #write(): void {
    clearImmediate(this.#timer)
    this.#timer = undefined
    if (this.#changes.size > 0) {
      this.#database.exec("BEGIN")
      for (const { simulator, kind, key, read } of this.#changes.values()) {
        if (read === undefined) this.#delete.run(simulator, kind, key)
        else this.#put.run(simulator, kind, key, serialize(read()))
      }
      this.#database.exec("COMMIT")
      this.#changes.clear()
    }
    for (const resolve of this.#waiters.splice(0)) resolve()
  }
}

// How long a new lab waits for one that is just being stopped, or killed, to let go of the file.
const lockWaitMs = 5_000

function open(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: lockWaitMs })
  try {
    // The operating system keeps what a killed process had written, so no flush to the disk is needed (sqlite.org/pragma.html).
    database.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN EXCLUSIVE; COMMIT",
    )
    database.exec(
      `CREATE TABLE IF NOT EXISTS record (
         position INTEGER PRIMARY KEY, simulator TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
         UNIQUE (simulator, kind, key));
       CREATE TABLE IF NOT EXISTS start (run INTEGER PRIMARY KEY, seed INTEGER NOT NULL)`,
    )
    return database
  } catch (error) {
    database.close()
    const reason = error instanceof Error ? error.message : String(error)
    if (reason.includes("locked")) throw new Error(`another lab uses ${file}: stop it first`, { cause: error })
    throw new Error(`the lab's state ${file} cannot be opened: ${reason}`, { cause: error })
  }
}

function beginRun(database: DatabaseSync, { seed, file }: { seed: number; file: string }): number {
  const last = database.prepare("SELECT run, seed FROM start ORDER BY run DESC LIMIT 1").get()
  if (last !== undefined && last["seed"] !== seed) {
    database.close()
    throw new Error(
      `the lab's state ${file} was made with seed ${String(last["seed"])}, and this start has seed ${seed}: use that seed, or another folder`,
    )
  }
  const run = Number(last?.["run"] ?? 0) + 1
  database.prepare("INSERT INTO start (run, seed) VALUES (?, ?)").run(run, seed)
  return run
}
