import { AppError } from "../../base/errors.ts"
import { derivedId, randomId } from "../../base/ids.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { Read } from "../reading.ts"
import { linkHash, noHead, type Head } from "./chain.ts"
import { JournalFile } from "./database.ts"
import { Witness, witnessOf } from "./witness.ts"

/** What became of a row at the agent. Whatever it is, the row is in the journal. */
export interface KeptRow {
  standing: "counts" | "parked" | "conflict" | "misfit"
  isNew: boolean
  firstDigest?: string
}

/** What people must know of a journal. */
export interface Incident {
  incident: string
  what: string
  at: string
}

interface JournalOptions {
  file: string
  storeId: string
  clock: Clock
  /** Bytes that are free on the disk; default: anything. */
  freeBytes?: () => number
  /** As little is left for the system and for SQLite's own upkeep. */
  reserveBytes?: number
}

/**
 * The receipts of a store's tills on its own disk, each till's a chain. Every call is one transaction; what it wrote is synced when it
 * returns. Errors: DISK_FULL, and then nothing of the call is kept.
 */
export class Journal {
  readonly file: JournalFile
  readonly #options: JournalOptions
  readonly #witness: Witness
  readonly #heads = new Map<string, Head>()
  #journal = ""

  constructor(options: JournalOptions) {
    this.#options = options
    this.file = new JournalFile(options.file)
    this.#witness = new Witness(witnessOf(options.file))
    const owner = this.fact("store")
    if (owner === undefined) this.#begin()
    else if (owner !== options.storeId)
      throw new AppError("CONFIG_INVALID", `${options.file} is the journal of store "${owner}": name another folder`)
    this.#journal = this.fact("journal") ?? ""
    for (const row of this.file.all("select till_id, place, hash from kept_tills"))
      this.#heads.set(String(row["till_id"]), { place: Number(row["place"]), hash: String(row["hash"]) })
  }

  /** The life of this journal. */
  get journal(): string {
    return this.#journal
  }

  get heads(): ReadonlyMap<string, Head> {
    return this.#heads
  }

  /** What the process before this one had answered, as far as its note of it is readable. */
  witnessed(): ReadonlyMap<string, Head> {
    return this.#witness.read()
  }

  /** Keeps rows, all or none, and says what each is. A row that is there already changes nothing. */
  keep(rows: readonly Read[]): KeptRow[] {
    const { freeBytes, reserveBytes = 0, clock } = this.#options
    if (freeBytes && freeBytes() < reserveBytes)
      throw new AppError("DISK_FULL", "the disk of the store's agent is full: the receipt is not kept", {
        retryAfterMs: 10_000,
      })
    const at = instant(clock.now())
    const heads = new Map<string, Head>()
    const kept = this.file.transaction(() => rows.map((row) => this.#keepOne(row, { at, heads })))
    for (const [tillId, head] of heads) this.#heads.set(tillId, head)
    if (heads.size > 0) this.#witness.write(this.#heads)
    return kept
  }

  #keepOne(row: Read, { at, heads }: { at: string; heads: Map<string, Head> }): KeptRow {
    const { tillId, digest, number, judgement, problems, receipt } = row
    const [same] = this.file.all("select standing, first_digest from kept_rows where till_id = ? and digest = ?", [
      tillId,
      digest,
    ])
    if (same) return keptRow(same, false)
    const first = number && this.#firstWith(tillId, number, judgement)
    const standing = first === undefined ? judgement : "conflict"
    const previous = heads.get(tillId) ?? this.#heads.get(tillId) ?? noHead
    const place = Math.max(previous.place, this.#placesBefore(tillId)) + 1
    const hash = linkHash(previous.hash, { journal: this.#journal, tillId, place, receipt })
    this.file.run(
      `insert into kept_rows (till_id, place, journal, hash, epoch, business_day, sequence, digest, standing, first_digest, problems, receipt, kept_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        [tillId, place, this.#journal, hash, number?.epoch ?? null, number?.businessDay ?? null],
        [number?.sequence ?? null, digest, standing, first ?? null, JSON.stringify(problems), receipt, at],
      ].flat(),
    )
    this.file.run(
      `insert into kept_tills (till_id, place, hash) values (?, ?, ?)
       on conflict (till_id) do update set place = excluded.place, hash = excluded.hash`,
      [tillId, place, hash],
    )
    heads.set(tillId, { place, hash })
    return keptRow({ standing, first_digest: first ?? null }, true)
  }

  /** The digest of the receipt that has the number already; a parked one gives its number to one that adds up, as at the centre. */
  #firstWith(tillId: string, number: NonNullable<Read["number"]>, judgement: string): string | undefined {
    const [row] = this.file.all(
      `select digest from kept_rows where till_id = ? and epoch = ? and business_day = ? and sequence = ?
         and (standing = 'counts' or (standing = 'parked' and ? = 'parked')) order by place limit 1`,
      [tillId, number.epoch, number.businessDay, number.sequence, judgement],
    )
    return row && String(row["digest"])
  }

  /** A fact of the agent that outlives it. */
  fact(name: string): string | undefined {
    const [row] = this.file.all("select value from kept_facts where name = ?", [name])
    return row && String(row["value"])
  }

  setFact(name: string, value: string): void {
    this.file.transaction(() => this.#setFact(name, value))
  }

  #setFact(name: string, value: string): void {
    this.file.run(
      "insert into kept_facts (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
      [name, value],
    )
  }

  #begin(): void {
    this.file.transaction(() => {
      this.#setFact("store", this.#options.storeId)
      this.#setFact("journal", randomId("journal"))
    })
  }

  /**
   * Begins a new life of the journal, and says why: the same places are never given twice, so tills go on after `after`. The same reason
   * begins one only.
   */
  beginAnew(what: string, after: ReadonlyMap<string, number>): void {
    this.file.transaction(() => {
      this.#setFact("before", this.#journal)
      this.#setFact("journal", randomId("journal"))
      for (const [tillId, place] of after) this.#setFact(`places before:${tillId}`, String(place))
      this.#note(what)
    })
    this.#journal = this.fact("journal") ?? ""
  }

  #placesBefore(tillId: string): number {
    return Number(this.fact(`places before:${tillId}`) ?? 0)
  }

  /** Notes what people must know; the centre is told of it. */
  note(what: string): void {
    this.file.transaction(() => this.#note(what))
  }

  #note(what: string): void {
    const at = instant(this.#options.clock.now())
    this.file.run("insert into kept_incidents (incident, what, at) values (?, ?, ?) on conflict do nothing", [
      derivedId("incident", this.#options.storeId, this.#journal, what),
      what,
      at,
    ])
  }

  incidents({ isTold }: { isTold: boolean }): Incident[] {
    const rows = this.file.all(
      "select incident, what, at from kept_incidents where (told_at is not null) = ? order by at desc limit 100",
      [Number(isTold)],
    )
    return rows.map((row) => ({
      incident: String(row["incident"]),
      what: String(row["what"]),
      at: String(row["at"]),
    }))
  }

  told(incidents: readonly string[]): void {
    const at = instant(this.#options.clock.now())
    this.file.transaction(() => {
      for (const incident of incidents)
        this.file.run("update kept_incidents set told_at = ? where incident = ?", [at, incident])
    })
  }

  close(): void {
    this.file.close()
    this.#witness.close()
  }
}

function keptRow(row: Record<string, unknown>, isNew: boolean): KeptRow {
  const { standing, first_digest: first } = row
  return {
    // The column holds what this file writes.
    standing: standing as KeptRow["standing"],
    isNew,
    ...(typeof first === "string" ? { firstDigest: first } : {}),
  }
}
