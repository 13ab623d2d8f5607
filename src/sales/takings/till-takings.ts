import { canonicalJson, derivedId } from "../../base/ids.ts"
import { inTransaction, storage, type SqlTransaction } from "../../base/sql.ts"
import { businessDate, durationMs, instant } from "../../base/time.ts"
import type { NewEvent } from "../../canonical/events.ts"
import type { Ref } from "../../canonical/refs.ts"
import { saleRef } from "../../canonical/sales/events.ts"
import { lineMinor, receiptsKeptForDays } from "../../canonical/sales/receipt-law.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import type { Subscriber } from "../../eventlog/subscriber.ts"
import { standTakings, type Standing } from "../../rules/returns/takings.ts"
import type { TillLimits } from "../limits/till-limits.ts"
import { firstDayOf } from "../policies.ts"
import { storeEvents, type Selling } from "../selling.ts"
import { backLines, namedBy, takesBack, voidedBy } from "./lines.ts"
import { findRecorded, isRecorded, lineIn, lineSold, placeOf, type Recorded } from "./originals.ts"
import type { OrderTakings } from "./of-orders.ts"
import * as rows from "./rows.ts"
import type { LineNamed, NewTaking, Taking } from "./rows.ts"
import { aboutOf, caseClosed, lossOpened, unknownOpened } from "./told.ts"

type Books = Pick<Selling, "sql" | "clock" | "policies" | "stores"> & {
  eventLog: Pick<EventLog, "prepare" | "stored" | "readKey">
  /** The SKUs that the stock knows of articles as a till calls them. */
  ours: (named: readonly { system: string; article: string }[]) => Promise<string[]>
  /** The SKUs of what an article is made of, by its SKU; an article with stock of its own is left out. */
  partsOf: (skus: readonly string[]) => Promise<ReadonlyMap<string, readonly { sku: string }[]>>
  orders: OrderTakings
  /** Left out where the policy limits nothing. */
  limits?: Pick<TillLimits, "look" | "stand"> | undefined
}

/** Twice as long as receipts: the newest that may be taken back comes as late as its own till. */
const keptForMs = 2 * receiptsKeptForDays * 86_400_000
interface Settling {
  at: string
  /** Receipts whose takings turn out to be of orders. */
  ofOrders: Set<string>
}

/** So many that wait for their original are looked at in one go of the upkeep. */
const lookedAtOnce = 100
/** Voids of voids: tills do not go further, and a circle must end. */
const depthMax = 8

/**
 * Claims what tills take back by their receipts, so that a unit of a receipt or of an order comes back once, at whichever till, or by a
 * return. The goods lie in the store and the buyer has the money in any case; what is not granted is told as a loss. A receipt that is voided
 * gives its claims back, once, and the next one that wanted the unit has it. Receipts may come in any order and again. A line that names a
 * return is that return's: the till asked for it, and it claims by itself.
 */
export class TillTakings {
  readonly #books: Books

  constructor(books: Books) {
    this.#books = books
  }

  subscriber(): Subscriber {
    return {
      name: "returns of tills",
      types: ["sale.recorded"],
      batchSizeMax: 500,
      handle: async (events) => {
        const recorded = events.filter(isRecorded)
        const receipts = recorded.map(({ data }) => data.receipt)
        const awaited = await this.#inTransaction((tx) => rows.awaited(tx, receipts))
        for (const [n, event] of recorded.entries())
          if (awaited.has(n) || takesBack(event.data.receipt)) await this.#stand(event)
        return []
      },
    }
  }

  /**
   * Forgets old takings, and tells of those whose original has not come for long and is expected; what came meanwhile and was missed is taken
   * first.
   */
  async keep(): Promise<void> {
    await this.#inTransaction((tx) => rows.forgetTakings(tx, instant(this.#books.clock.now() - keptForMs)))
    const { clock, policies, eventLog } = this.#books
    const before = instant(clock.now() - durationMs(policies.waitForReceipts))
    const old = await this.#inTransaction((tx) => rows.waitingSince(tx, before, lookedAtOnce))
    for (const receipt of new Set(old.map((one) => one.receipt))) {
      const event = (await eventLog.readKey(receipt as Ref)).find(isRecorded)
      if (event) await this.#stand(event)
      await this.#change(async (tx, at) => {
        const waiting = (await rows.takingsOf(tx, receipt)).filter((one) => one.state === "waiting" && !one.caseId)
        const expected: Taking[] = []
        for (const one of waiting) {
          if (await this.#isOlder(tx, one)) await rows.setOlder(tx, one.key)
          else expected.push(one)
        }
        const told = expected.map((one) => ({ one, event: unknownOpened(one, at) }))
        for (const { one, event: opened } of told) await rows.setCase(tx, one.key, opened.data.exceptionId)
        return told.map(({ event: opened }) => opened)
      })
    }
  }

  /** Brings takings to what the receipts known by now say. `again`: a void of a void came, by which it counts after all. */
  async #stand(event: Recorded, { depth = 0, again }: { depth?: number; again?: string } = {}): Promise<void> {
    const { receipt } = event.data
    const [own, voided] = [saleRef(receipt), voidedBy(receipt, this.#books.policies)]
    const [takings, looked = []] = [await this.#takingsOf(event), await this.#books.limits?.look(event)]
    let isVoid = false
    // Receipts with lines of orders, whose accounts have the claims.
    const ofOrders = new Set<string>([own])
    await this.#change(async (tx, at) => {
      if (voided) await rows.noteVoid(tx, { ref: own, of: voided, at })
      isVoid = await rows.isVoid(tx, receipt)
      const gone = isVoid ? await rows.voidTakings(tx, own) : []
      if (!isVoid) await rows.putTakings(tx, takings)
      const waited = await this.#placed(tx, event)
      const lines = [...takings, ...gone, ...waited].flatMap(({ line }) => line ?? [])
      const closed = gone.flatMap((one) => caseClosed(one, "the receipt was voided", at))
      const settled = await this.#settleLines(tx, { lines, at, ofOrders })
      const lost = aboutOf([...closed, ...settled])
      const limited = (await this.#books.limits?.stand(tx, { receipt: own, looked, isVoid, lost, at })) ?? []
      return [...closed, ...settled, ...limited]
    })
    if (isVoid) await this.#giveBack(own, event)
    for (const one of ofOrders) await this.#claimOrders(one as Ref, one === own ? again : undefined)
    if (!voided || depth >= depthMax) return
    const other = await findRecorded(this.#books, voided)
    if (other) await this.#stand(other, { depth: depth + 1, again: own })
  }

  /** Whether what a till takes back of a receipt that has not come was sold before its store's first day here, by its day or by its number. */
  async #isOlder(tx: SqlTransaction, { line }: Taking): Promise<boolean> {
    if (!line) return false
    const first = firstDayOf(line.storeId, this.#books.policies)
    if (first === undefined) return false
    const place = this.#books.stores.get(line.storeId)
    const soldOn = line.soldAt !== undefined && place ? businessDate(line.soldAt, place) : undefined
    const day = line.businessDay ?? soldOn
    return day === undefined ? rows.isBeforeFirst(tx, line) : day < first
  }

  /** What a receipt takes back, with what is known of the receipts that it names. */
  async #takingsOf(event: Recorded): Promise<NewTaking[]> {
    const { receipt } = event.data
    const found: NewTaking[] = []
    for (const line of backLines(receipt)) {
      const { lineId, sku, serial, unit, quantityMilli, returned } = line
      const named = returned?.orderId === undefined ? namedBy(receipt, line, this.#books.policies) : undefined
      if (!named && returned?.orderId === undefined) continue
      const original = named && (await findRecorded(this.#books, named))
      const [article] = sku === undefined ? [] : await this.#books.ours([{ system: event.source, article: sku }])
      found.push({
        key: keyOf(event, lineId),
        receipt: saleRef(receipt),
        ...(receipt.documentId === undefined ? {} : { documentId: receipt.documentId }),
        ...(named ? { line: { ...named, ...(original ? placeOf(original) : {}) } } : {}),
        ...(returned?.orderId === undefined ? {} : { orderId: returned.orderId }),
        ...(article === undefined ? {} : { sku: article }),
        ...(serial === undefined ? {} : { serial }),
        unit,
        milli: -quantityMilli,
        givenMinor: lineMinor(line),
        amounts: 1 + (line.discounts ?? []).length + (line.taxes ?? []).length,
        currency: receipt.currency,
        takenAt: receipt.endedAt,
      })
    }
    return found
  }

  /** Those that waited for this receipt know now which till and day it is of. */
  async #placed(tx: SqlTransaction, original: Recorded): Promise<NewTaking[]> {
    const { tillId, businessDay } = placeOf(original)
    const placed: NewTaking[] = []
    for (const { line, ...taking } of await rows.waitingFor(tx, original.data.receipt)) {
      await rows.placeTaking(tx, taking.key, { tillId, businessDay })
      placed.push({ ...taking, ...(line ? { line: { ...line, tillId, businessDay } } : {}) })
    }
    return placed
  }

  async #settleLines(tx: SqlTransaction, { lines, ...of }: Settling & { lines: LineNamed[] }): Promise<NewEvent[]> {
    const events: NewEvent[] = []
    for (const line of new Map(lines.map((one) => [canonicalJson(one), one])).values())
      events.push(...(await this.#settleLine(tx, line, of)))
    return events
  }

  async #settleLine(tx: SqlTransaction, line: LineNamed, { at, ofOrders }: Settling): Promise<NewEvent[]> {
    const { tillId, businessDay } = line
    if (tillId === undefined || businessDay === undefined) return []
    const original = await findRecorded(this.#books, line)
    if (!original) return []
    const takings = await rows.takingsOfLine(tx, { ...line, tillId })
    const { orderId, sku: article } = lineIn(original, line.lineId) ?? {}
    if (orderId !== undefined) {
      for (const { key, receipt } of takings) {
        await rows.placeTaking(tx, key, { tillId, businessDay, orderId })
        ofOrders.add(receipt)
      }
      return []
    }
    const [sku] = article === undefined ? [] : await this.#books.ours([{ system: original.source, article }])
    const sold = lineSold(original.data.receipt, line.lineId, sku)
    if (!sold) return []
    const parts =
      sku !== undefined && takings.some((one) => one.sku !== sku) ? await this.#books.partsOf([sku]) : undefined
    const standings = standTakings({ ...sold, parts: (parts?.get(sku ?? "") ?? []).map((one) => one.sku) }, takings)
    const events: NewEvent[] = []
    for (const [n, taking] of takings.entries()) {
      const standing = standings[n]
      if (standing) events.push(...(await this.#note(tx, { taking, standing, at })))
    }
    return events
  }

  /** Writes how a taking stands, and says what changed by it. */
  async #note(
    tx: SqlTransaction,
    { taking, standing, at }: { taking: Taking; standing: Standing; at: string },
  ): Promise<NewEvent[]> {
    const { lostMilli, lostMinor, why } = standing
    const isSame = taking.state === "standing" && taking.lostMilli === lostMilli && taking.lostMinor === lostMinor
    if (isSame && taking.why === (why ?? null)) return []
    const opened = why ? lossOpened(taking, { lostMilli, lostMinor, why }, at) : undefined
    await rows.stand(tx, standing, opened?.data.exceptionId ?? null)
    return [...caseClosed(taking, "it stands otherwise by now", at), ...(opened ? [opened] : [])]
  }

  /** Claims units of orders on their accounts, which have transactions of their own. */
  async #claimOrders(receipt: Ref, again: string | undefined): Promise<void> {
    const waiting = await this.#inTransaction((tx) => rows.takingsOf(tx, receipt))
    for (const taking of waiting)
      if (taking.orderId !== undefined && taking.state === "waiting") await this.#claimOrder(taking, again)
  }

  async #claimOrder(taking: Taking, again: string | undefined): Promise<void> {
    const { orderId = "", lostMilli, receipt, milli } = taking
    const event = (await this.#books.eventLog.readKey(receipt as Ref)).find(isRecorded)
    const line = event?.data.receipt.lines?.find(({ lineId }) => keyOf(event, lineId) === taking.key)
    if (!event || !line) return
    const wantedMilli = taking.state === "waiting" ? milli : lostMilli
    const salt = again === undefined ? {} : { again: `${again} ${wantedMilli}` }
    const { grantedMilli, partOf } = await this.#books.orders.claim({
      event,
      line,
      orderId,
      milli: wantedMilli,
      ...salt,
    })
    const lost = wantedMilli - grantedMilli
    const lostMinor = Number((BigInt(taking.givenMinor) * BigInt(lost)) / BigInt(milli))
    const why =
      lost === 0 ? undefined : partOf === undefined ? ("given back before" as const) : ("part of a kit" as const)
    const standing = {
      key: taking.key,
      grantedMilli: milli - lost,
      lostMilli: lost,
      lostMinor,
      ...(why ? { why } : {}),
    }
    let isVoided = false
    await this.#change(async (tx, at) => {
      const now = (await rows.takingsOf(tx, receipt)).find(({ key }) => key === taking.key)
      isVoided = now?.state === "voided"
      if (!now || now.state !== taking.state || now.lostMilli !== lostMilli) return []
      const noted = await this.#note(tx, { taking: now, standing, at })
      const limits = { receipt, looked: [], isVoid: false, lost: aboutOf(noted), at }
      return [...noted, ...((await this.#books.limits?.stand(tx, limits)) ?? [])]
    })
    if (isVoided) await this.#giveBack(receipt as Ref, event)
  }

  /** What a void receipt had of orders is theirs again, and goes to tills that wanted it and did not get it. */
  async #giveBack(receipt: Ref, { data }: Recorded): Promise<void> {
    const gone = await this.#inTransaction((tx) => rows.takingsOf(tx, receipt))
    for (const orderId of new Set(gone.flatMap((one) => one.orderId ?? []))) {
      await this.#books.orders.giveBack({ orderId, receipt, at: data.receipt.endedAt })
      for (const taking of await this.#inTransaction((tx) => rows.lostOfOrder(tx, orderId)))
        await this.#claimOrder(taking, receipt)
    }
  }

  #inTransaction<Result>(work: (tx: SqlTransaction) => Promise<Result>): Promise<Result> {
    return storage(() => inTransaction(this.#books.sql, work))
  }

  /** Changes takings and tells what follows, both or neither. */
  async #change(work: (tx: SqlTransaction, at: string) => Promise<NewEvent[]>): Promise<void> {
    const at = instant(this.#books.clock.now())
    const told = await this.#inTransaction(async (tx) => {
      await rows.lockTakings(tx)
      return storeEvents(tx, this.#books, await work(tx, at))
    })
    told()
  }
}

const keyOf = (event: Recorded, lineId: string) => derivedId("tb", event.fact, lineId)
