import * as fc from "fast-check"
import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { StockModel, type Change, type ChangeResult } from "../../test/fixtures/stock/model.ts"
import { nameOf } from "../../test/fixtures/stock/parts.ts"
import { asAppError } from "../base/errors.ts"
import { instant } from "../base/time.ts"
import { createStockPolicies } from "./policies.ts"
import { createReservations, type Reservations } from "./reservations.ts"
import type { ReserveRequest } from "./reserve.ts"
import { createStockLedger, type StockMovement } from "./stock-ledger.ts"

let database: FreshDatabase
let runCount = 0

beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

const places = ["east", "north", "south"]
const number = (max: number) => fc.integer({ min: 0, max })
const milli = fc.integer({ min: 1, max: 8 }).map((count) => count * 500)
const minute = number(59)
const placedLines = fc.array(fc.record({ sku: number(2), place: number(2), milli }), { minLength: 1, maxLength: 5 })
const anyLines = fc.array(fc.record({ sku: number(2), place: fc.option(number(2)), milli }), {
  minLength: 1,
  maxLength: 4,
})

const change = fc.oneof(
  { weight: 2, arbitrary: fc.record({ op: fc.constant("release" as const), key: number(7) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("confirm" as const), key: number(7) }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant("allocate" as const), key: number(7), lines: placedLines }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("consume" as const),
      key: number(7),
      lines: placedLines,
      fact: number(25),
      minute,
    }),
  },
  // The whole quantity of the reservation where it is held, as most orders ship.
  { weight: 4, arbitrary: fc.record({ op: fc.constant("place all" as const), key: number(7), place: number(2) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("ship all" as const), key: number(7), minute }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("again" as const), nth: number(200) }) },
)
const movement = fc.oneof(
  fc.record({
    kind: fc.constantFrom("receipt" as const, "sale" as const, "return" as const, "adjustment" as const),
    fact: number(60),
    sku: number(2),
    place: number(2),
    milli,
    minute,
  }),
  fc.record({
    kind: fc.constant("transfer" as const),
    fact: number(60),
    sku: number(2),
    place: number(2),
    milli,
    minute,
  }),
  fc.record({
    kind: fc.constant("count" as const),
    fact: number(60),
    sku: number(2),
    place: number(2),
    milli,
    minute,
    named: fc.array(number(7), { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant("again" as const), nth: number(200) }),
)
const batch = fc.oneof(
  fc.record({ of: fc.constant("changes" as const), items: fc.array(change, { minLength: 1, maxLength: 8 }) }),
  fc.record({ of: fc.constant("movements" as const), items: fc.array(movement, { minLength: 1, maxLength: 6 }) }),
  fc.record({
    of: fc.constant("reserves" as const),
    items: fc.uniqueArray(
      fc.record({ key: number(7), lines: anyLines, isSoft: fc.boolean(), usesSafetyStock: fc.boolean() }),
      { minLength: 1, maxLength: 4, selector: ({ key }) => key },
    ),
  }),
)
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant("batch" as const), batch }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("at once" as const), first: batch, second: batch }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("expire" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("policy" as const),
      sku: number(2),
      safety: milli,
      backorder: fc.option(milli),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("pool" as const), place: number(2), isPooled: fc.boolean() }) },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never
type Batch = typeof batch extends fc.Arbitrary<infer Value> ? Value : never

/** Requests in the form of the API, made from a generated batch once the earlier results are known. */
type Requests =
  | { of: "changes"; items: Change[] }
  | { of: "movements"; items: StockMovement[] }
  | { of: "reserves"; items: ReserveRequest[] }

class Program {
  readonly #run = `batch-${++runCount}`
  readonly #processes = [createReservations(database.sql), createReservations(database.sql)]
  readonly #ledger = createStockLedger(database.sql)
  readonly #policies = createStockPolicies(database.sql)
  readonly #told: { changes: Change[]; movements: StockMovement[] } = { changes: [], movements: [] }
  readonly skus = [0, 1, 2].map((index) => this.#sku(index))
  model = new StockModel()
  #shipmentCount = 0

  #sku(index: number): string {
    return `${this.#run}-${"cab"[index]}`
  }

  #key(index: number): string {
    return `${this.#run}-o${index}`
  }

  // Each run has its own locations, because taking one out of the pool changes every SKU there.
  #place(index: number): string {
    return `${this.#run}-${places[index]}`
  }

  #lines(lines: readonly { sku: number; place: number; milli: number }[]) {
    return lines.map((line) => ({ sku: this.#sku(line.sku), locationId: this.#place(line.place), milli: line.milli }))
  }

  async perform(next: Step): Promise<void> {
    switch (next.op) {
      case "batch":
        return this.#batch(next.batch)
      case "at once":
        return this.#atOnce(next.first, next.second)
      case "expire":
        return this.#expire()
      case "policy": {
        const sku = this.#sku(next.sku)
        const backorder = next.backorder ?? 0
        this.model.policies.set(sku, { safety: next.safety, backorder })
        const policy = { allowBackorder: backorder > 0, backorderLimitMilli: backorder, safetyStockMilli: next.safety }
        return this.#policies.setPolicy(sku, policy)
      }
      case "pool": {
        const place = this.#place(next.place)
        if (next.isPooled) this.model.unpooled.delete(place)
        else this.model.unpooled.add(place)
        return this.#policies.setPooled(place, next.isPooled)
      }
    }
  }

  async #batch(generated: Batch): Promise<void> {
    const requests = this.#requests(generated)
    const expected = judge(this.model, requests)
    mustEqual(await this.#send(requests, 0), expected)
  }

  /** Two processes at the same time: the results must be those of one order or the other. */
  async #atOnce(first: Batch, second: Batch): Promise<void> {
    const [one, other] = [this.#requests(first), this.#requests(second)]
    const [forwards, backwards] = [this.model.copy(), this.model.copy()]
    const forwardResults = [judge(forwards, one), judge(forwards, other)]
    const backwardResults = [judge(backwards, other), judge(backwards, one)].reverse()
    const results = await Promise.all([this.#send(one, 0), this.#send(other, 1)])
    const isBackwards =
      JSON.stringify(sortKeys(results)) !== JSON.stringify(sortKeys(forwardResults)) ||
      !this.#isSame(await this.#stored(), forwards)
    mustEqual(results, isBackwards ? backwardResults : forwardResults)
    this.model = isBackwards ? backwards : forwards
  }

  async #expire(): Promise<void> {
    const due = [...this.model.reservations]
      .filter(([key, { state, kind }]) => state === "held" && kind === "soft" && key.startsWith(`${this.#run}-`))
      .map(([key]) => key)
    const expired = await this.#processes[0]?.expireDue(1000)
    mustEqual(expired?.filter((key) => key.startsWith(`${this.#run}-`)).sort(), due.sort())
    for (const key of due) this.model.change({ op: "expire", key })
  }

  #requests(generated: Batch): Requests {
    switch (generated.of) {
      case "changes": {
        const items = generated.items.flatMap((item) => this.#change(item))
        this.#told.changes.push(...items)
        return { of: "changes", items }
      }
      case "movements": {
        const items = generated.items.flatMap((item) => this.#movement(item))
        this.#told.movements.push(...items)
        return { of: "movements", items }
      }
      case "reserves":
        return {
          of: "reserves",
          items: generated.items.map(({ key, lines, isSoft, usesSafetyStock }) => ({
            key: this.#key(key),
            owner: this.#run,
            ...(isSoft ? { kind: "soft", expiresAt: instant(Date.UTC(2026, 0, 1)) } : { kind: "hard" }),
            usesSafetyStock,
            lines: lines.map(({ sku, place, milli: amount }) => ({
              sku: this.#sku(sku),
              milli: amount,
              ...(place === null ? {} : { locationId: this.#place(place) }),
            })),
          })),
        }
    }
  }

  #change(item: (Batch & { of: "changes" })["items"][number]): Change[] {
    if (item.op === "again") return this.#told.changes.slice(item.nth % (this.#told.changes.length || 1)).slice(0, 1)
    const key = this.#key(item.key)
    switch (item.op) {
      case "allocate":
        return [{ op: "allocate", key, lines: this.#lines(item.lines) }]
      case "consume":
        return [
          {
            op: "consume",
            key,
            lines: this.#lines(item.lines),
            fact: `${this.#run}-f${item.fact}`,
            occurredAt: at(item.minute),
          },
        ]
      case "place all": {
        const sums = new Map<string, number>()
        for (const [name, line] of this.model.reservations.get(key)?.lines ?? []) {
          const sku = name.split("@")[0] ?? ""
          sums.set(sku, (sums.get(sku) ?? 0) + line.held + line.consumed)
        }
        const lines = [...sums].filter(([, amount]) => amount > 0)
        const locationId = this.#place(item.place)
        if (lines.length === 0) return []
        return [{ op: "allocate", key, lines: lines.map(([sku, amount]) => ({ sku, locationId, milli: amount })) }]
      }
      case "ship all": {
        const lines = [...(this.model.reservations.get(key)?.lines ?? [])].flatMap(([name, line]) => {
          const [sku = "", place = ""] = name.split("@")
          return line.held > 0 ? [{ sku, locationId: place || this.#place(0), milli: line.held }] : []
        })
        const fact = `${this.#run}-s${++this.#shipmentCount}`
        return lines.length === 0 ? [] : [{ op: "consume", key, lines, fact, occurredAt: at(item.minute) }]
      }
      default:
        return [{ op: item.op, key }]
    }
  }

  #movement(item: (Batch & { of: "movements" })["items"][number]): StockMovement[] {
    if (item.kind === "again")
      return this.#told.movements.slice(item.nth % (this.#told.movements.length || 1)).slice(0, 1)
    const base = { fact: `${this.#run}-f${item.fact}`, sku: this.#sku(item.sku), locationId: this.#place(item.place) }
    const occurredAt = at(item.minute)
    switch (item.kind) {
      case "count": {
        const keys = item.named.map((index) => this.#key(index))
        const includesReservations = keys.length > 0 ? keys : ("none" as const)
        return [{ ...base, kind: "count", countedMilli: item.milli, countedAt: occurredAt, includesReservations }]
      }
      case "transfer":
        return [
          { ...base, kind: "transfer", toLocationId: this.#place((item.place + 1) % 3), milli: item.milli, occurredAt },
        ]
      case "adjustment":
        return [{ ...base, kind: "adjustment", milli: 500 - item.milli || 500, occurredAt }]
      default:
        return [{ ...base, kind: item.kind, milli: item.milli, occurredAt }]
    }
  }

  async #send(requests: Requests, process: number): Promise<unknown[]> {
    const reservations = this.#processes[process]
    if (!reservations) return []
    switch (requests.of) {
      case "changes":
        return Promise.all(requests.items.map((item) => send(reservations, item)))
      case "movements":
        return this.#ledger.applyMovements(requests.items)
      case "reserves":
        return (await reservations.reserveMany(requests.items)).map(sortShort)
    }
  }

  /** The tables' content for this program's SKUs, in the model's form. */
  #stored(): Promise<Stored> {
    return readStored(this.#run, this.skus)
  }

  #isSame(stored: Stored, model: StockModel): boolean {
    const [actual, expected] = this.#pair(stored, model)
    return JSON.stringify(sortKeys(actual)) === JSON.stringify(sortKeys(expected))
  }

  #pair(stored: Stored, model: StockModel) {
    const lineRows = [...model.reservations].flatMap(([key, { lines }]) =>
      [...lines].map(([name, { held, consumed, released }]) => `${key}|${name}|${held}|${consumed}|${released}`),
    )
    const hasUnits = (row: string): boolean => !row.endsWith("|0|0|0")
    return [
      {
        sums: Object.fromEntries(stored.sums.map(({ name, on_hand, reserved }) => [name, [on_hand, reserved]])),
        lines: stored.lines
          .map(({ key, name, held, consumed, released }) => `${key}|${name}|${held}|${consumed}|${released}`)
          .filter(hasUnits)
          .sort(),
        states: stored.states.map(({ key, kind, state }) => `${key}|${kind}|${state}`).sort(),
        ledger: stored.ledger.map(({ row }) => row).sort(),
        counted: stored.counted.map(({ row }) => row).sort(),
      },
      {
        sums: Object.fromEntries(
          stored.sums.map(({ name }) => {
            const [sku = "", place = ""] = name.split("@")
            return [name, [model.onHandAt(sku, place), model.reservedAt(sku, place)]]
          }),
        ),
        lines: lineRows.filter(hasUnits).sort(),
        states: [...model.reservations].map(([key, { kind, state }]) => `${key}|${kind}|${state}`).sort(),
        ledger: model.ledger
          .map((entry) =>
            [
              entry.fact,
              entry.leg,
              entry.kind,
              entry.name,
              entry.delta,
              entry.stated,
              entry.after,
              entry.key ?? "-",
            ].join("|"),
          )
          .sort(),
        counted: [...model.countedIn]
          .flatMap(([key, parts]) => [...parts].map(([name, amount]) => `${key}|${name}|${amount}`))
          .filter((row) => !row.endsWith("|0"))
          .sort(),
      },
    ] as const
  }

  async compare(): Promise<void> {
    const [actual, expected] = this.#pair(await this.#stored(), this.model)
    mustEqual(actual, expected)
    for (const entry of this.model.ledger) mustEqual(entry.name in actual.sums, true)
    for (const sku of this.skus) {
      mustEqual(await this.#ledger.rebuild({ sku, dryRun: true, reason: "check" }), [])
      for (const place of ["", ...[0, 1, 2].map((index) => this.#place(index))])
        mustEqual(actual.sums[nameOf(sku, place)] ?? [0, 0], [
          this.model.ledger
            .filter(({ name }) => (place === "" ? this.#isPooled(name, sku) : name === nameOf(sku, place)))
            .reduce((sum, { delta }) => sum + delta, 0),
          this.model.reservedAt(sku, place),
        ])
    }
  }

  #isPooled(name: string, sku: string): boolean {
    return name.startsWith(`${sku}@`) && !this.model.unpooled.has(name.split("@")[1] ?? "")
  }
}

interface Stored {
  sums: { name: string; on_hand: number; reserved: number }[]
  lines: { key: string; name: string; held: number; consumed: number; released: number }[]
  states: { key: string; kind: string; state: string }[]
  ledger: { row: string }[]
  counted: { row: string }[]
}

async function readStored(run: string, skus: readonly string[]): Promise<Stored> {
  const { sql } = database
  const [sums, lines, states, ledger, counted] = await Promise.all([
    sql<{ name: string; on_hand: number; reserved: number }[]>`
      select sku || '@' || location_id as name, on_hand_milli as on_hand, reserved_milli as reserved
        from stock_positions where sku = any(${[...skus]})
      union all select sku || '@', on_hand_milli, reserved_milli from stock_skus where sku = any(${[...skus]})`,
    sql<{ key: string; name: string; held: number; consumed: number; released: number }[]>`
      select r.key, l.sku || '@' || l.location_id as name, l.held_milli as held, l.consumed_milli as consumed,
          l.released_milli as released
        from stock_reservations r join stock_reservation_lines l on l.reservation_id = r.id
        where r.key like ${`${run}-%`}`,
    sql<{ key: string; kind: string; state: string }[]>`
      select key, kind, state from stock_reservations where key like ${`${run}-%`}`,
    sql<{ row: string }[]>`
      select concat_ws('|', fact, leg, kind, sku || '@' || location_id, delta_milli, stated_milli, on_hand_after_milli,
          coalesce(reservation_key, '-')) as row
        from stock_ledger where sku = any(${[...skus]}) order by id`,
    sql<{ row: string }[]>`
      select concat_ws('|', r.key, c.sku || '@' || c.location_id, c.milli) as row from stock_counted_in c
        join stock_reservations r on r.id = c.reservation_id where c.sku = any(${[...skus]}) and c.milli > 0`,
  ])
  return { sums, lines, states, ledger, counted }
}

function mustEqual(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected)
}

const at = (minuteOfHour: number): string => instant(Date.UTC(2026, 0, 1, 10, minuteOfHour))

function sortShort<Result>(result: Result): Result {
  if (typeof result !== "object" || result === null || !("short" in result) || !Array.isArray(result.short))
    return result
  const name = (row: { sku: string; locationId?: string }): string => nameOf(row.sku, row.locationId ?? "")
  return { ...result, short: [...result.short].sort((a, b) => (name(a) < name(b) ? -1 : 1)) }
}

/** The same value with sorted object keys, so that its JSON can be compared. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sortKeys(part)]),
  )
}

function judge(model: StockModel, requests: Requests): unknown[] {
  switch (requests.of) {
    case "changes":
      return requests.items.map((item) => sortShort(model.change(item)))
    case "movements":
      return requests.items.map((item) => model.move(item))
    case "reserves":
      return requests.items.map((item) => sortShort(model.reserve(item)))
  }
}

async function send(reservations: Reservations, item: Change): Promise<ChangeResult> {
  switch (item.op) {
    case "release":
      return reservations.release(item.key, "test")
    case "confirm":
      return reservations.confirm(item.key)
    case "allocate":
      return sortShort(await reservations.allocate(item.key, item.lines))
    case "consume":
      return reservations
        .consume(item.key, item.lines, { fact: item.fact, occurredAt: item.occurredAt })
        .catch((thrown: unknown) => {
          expect(asAppError(thrown).code).toBe("IDEMPOTENCY_KEY_REUSED")
          return "reused" as const
        })
    case "expire":
      return "kept"
  }
}

test("any program of batches, one after another or two at once, returns and leaves what the model does", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const program = new Program()
      await program.perform({
        op: "batch",
        batch: {
          of: "movements",
          items: [0, 1, 2].flatMap((sku) =>
            [0, 1, 2].map((place) => ({
              kind: "receipt" as const,
              fact: 1000 + sku * 3 + place,
              sku,
              place,
              milli: 6_000,
              minute: 0,
            })),
          ),
        },
      })
      for (const next of steps) {
        await program.perform(next)
        await program.compare()
      }
    }),
    { numRuns: 150 },
  )
}, 240_000)
