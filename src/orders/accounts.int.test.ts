import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { derivedId } from "../base/ids.ts"
import { openSql } from "../base/sql.ts"
import { money } from "../base/money.ts"
import { instant, systemClock } from "../base/time.ts"
import { newEvent, type EventData, type EventName } from "../canonical/events.ts"
import { EventLog } from "../eventlog/event-log.ts"
import { OrderAccounts } from "./accounts.ts"
import { noted } from "./entries.ts"
import { rebuildAccount } from "./rebuild.ts"

let database: FreshDatabase
let log: EventLog
let accounts: OrderAccounts
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 12 })
  log = new EventLog(database.sql, (event) => ({ starts: [], signals: [], ...noted(event) }))
  accounts = new OrderAccounts(database.sql)
})
afterAll(() => database?.drop())

let count = 0
const newOrder = () => derivedId("ord", "account", String((count += 1)))
const now = () => instant(systemClock.now())
const euro = (amountMinor: number) => money(amountMinor, "EUR")

function tell<Name extends EventName>(type: Name, data: EventData<Name>, source = "crossdock:test") {
  return log.append(newEvent({ type, fact: `${type}:${(count += 1)}`, source, time: now(), data }))
}

/** Money taken of a tender by our own hand. */
const taken = (orderId: string, amountMinor: number, tenderId = "t1") =>
  tell("payment.captured", { orderId, tenderId, amount: euro(amountMinor), by: "stripe", at: now() })

const claim = (
  orderId: string,
  amountMinor: number,
  { key, ...more }: { key: string; tenderId?: string; keptMinor?: number },
) =>
  accounts.claimRefund(
    { orderId, tenderId: "t1", amount: euro(amountMinor), keptMinor: 0, by: "crossdock", ...more },
    key,
  )

/** Our own step refunded what it had claimed. */
const refunded = (orderId: string, amountMinor: number, { key, refundId }: { key: string; refundId?: string }) => {
  const reference = refundId === undefined ? {} : { reference: { system: "stripe", type: "refund", id: refundId } }
  const data = { orderId, tenderId: "t1", amount: euro(amountMinor), by: "stripe", claim: key, at: now() }
  return tell("payment.refunded", { ...data, ...reference })
}

type Payments = NonNullable<EventData<"order.refunded">["payments"]>

/** The shop tells of a refund. */
const toldByShop = (orderId: string, amountMinor: number, more: { refundId?: string; payments?: Payments } = {}) => {
  const amount = { shop: euro(amountMinor), presentment: euro(amountMinor) }
  const refundId = `r${(count += 1)}`
  return tell("order.refunded", { orderId, refundId, amount, lines: [], at: now(), ...more }, "shop-de")
}

/** The provider tells of a refund. */
const toldByProvider = (
  orderId: string,
  amountMinor: number,
  more: Pick<EventData<"payment.refund-reported">, "refundId" | "state"> & { claim?: string },
) => tell("payment.refund-reported", { orderId, amount: euro(amountMinor), at: now(), ...more }, "stripe-eu")

const claimsOf = async (orderId: string) => (await accounts.read(orderId)).claims
const statesOf = async (orderId: string) => (await claimsOf(orderId)).map(({ by, state }) => `${by} ${state}`)

describe("claims", () => {
  test("fifty that ask at once over ten processes give back no more than was taken", async () => {
    // Connections of one pool may share a lane: each process has its own.
    const pools = Array.from({ length: 10 }, (_, n) => openSql(database.url, { connectionsMax: 1, name: `asks-${n}` }))
    const asking = pools.map((sql) => new OrderAccounts(sql))
    await Promise.all(pools.map((sql) => sql`select 1`))
    for (let round = 0; round < 10; round += 1) {
      const orderId = newOrder()
      await taken(orderId, 1000)
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => {
          const refund = { orderId, tenderId: "t1", amount: euro(90), keptMinor: 0, by: `process ${n % 10}` }
          return asking[n % 10]?.claimRefund(refund, `k${n}`)
        }),
      )
      expect(answers.filter((answer) => answer?.granted)).toHaveLength(11)
    }
    await Promise.all(pools.map((sql) => sql.end({ timeout: 1 })))
  })

  test("a repeat with the same key is answered as before, also when there is more by then", async () => {
    const orderId = newOrder()
    await taken(orderId, 100)
    expect((await claim(orderId, 60, { key: "a" })).granted).toBe(true)
    expect((await claim(orderId, 60, { key: "b" })).granted).toBe(false)
    await taken(orderId, 100)
    expect((await claim(orderId, 60, { key: "a" })).granted).toBe(true)
    expect((await claim(orderId, 60, { key: "b" })).granted).toBe(false)
    expect((await claim(orderId, 60, { key: "c" })).granted).toBe(true)
  })

  test("a refusal says what was taken and who gave back what", async () => {
    const orderId = newOrder()
    await taken(orderId, 100)
    await toldByShop(orderId, 70)
    await claim(orderId, 20, { key: "mine" })
    expect(await claim(orderId, 20, { key: "more" })).toEqual({
      granted: false,
      takenMinor: 100,
      givenBack: [
        { by: "shop-de", amountMinor: 70, isOpen: false },
        { by: "crossdock", amountMinor: 20, isOpen: true },
      ],
    })
  })

  test("what is due stays, and one tender never gives back what another took", async () => {
    const orderId = newOrder()
    await taken(orderId, 100)
    await taken(orderId, 100, "t2")
    expect((await claim(orderId, 50, { key: "a", keptMinor: 60 })).granted).toBe(false)
    expect((await claim(orderId, 40, { key: "b", keptMinor: 60 })).granted).toBe(true)
    expect((await claim(orderId, 101, { key: "c", tenderId: "t2" })).granted).toBe(false)
  })

  test("a claim that is released is free for others, and one that was settled is not released", async () => {
    const orderId = newOrder()
    await taken(orderId, 100)
    await claim(orderId, 100, { key: "a" })
    expect((await claim(orderId, 100, { key: "b" })).granted).toBe(false)
    expect(await accounts.release(orderId, "a")).toBe("released")
    expect((await claim(orderId, 100, { key: "c" })).granted).toBe(true)
    await refunded(orderId, 100, { key: "c" })
    expect(await accounts.release(orderId, "c")).toBe("settled")
    expect(await accounts.release(orderId, "never asked")).toBeNull()
  })

  test("a capture that our step and the provider both tell of was taken once", async () => {
    const orderId = newOrder()
    await taken(orderId, 100)
    const tender = { id: "t1", kind: "card", provider: "stripe", state: "captured" } as const
    const amount = { shop: euro(100), presentment: euro(100) }
    await tell("order.tender-changed", { orderId, tender: { ...tender, amount }, at: now() }, "stripe-eu")
    expect((await accounts.read(orderId)).taken).toEqual([{ part: "t1", unit: "EUR", amount: 100 }])
  })

  test("no unit is given back twice, and none that did not ship, of fifty claims at once", async () => {
    const orderId = newOrder()
    const line = { lineId: "l1", quantity: { milli: 3000, unit: "ea" } }
    await tell("goods.shipped", { orderId, shipmentId: "s1", locationId: "dc", lines: [line], at: now() })
    const give = (milli: number, key: string) =>
      accounts.claimReturn({ orderId, lineId: "l1", quantity: { milli, unit: "ea" }, by: "store-117" }, key)
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => give(1000, `k${n}`)))
    expect(answers.filter(({ granted }) => granted)).toHaveLength(3)
    const [first] = (await claimsOf(orderId)).filter(({ state }) => state === "open")
    const back = { lineId: "l1", quantity: { milli: 1000, unit: "ea" }, claim: first?.key ?? "" }
    await tell("goods.returned", {
      orderId,
      of: "return/ret1",
      locationId: "store-117",
      disposition: "back in stock",
      lines: [back],
      at: now(),
    })
    expect((await claimsOf(orderId)).filter(({ state }) => state === "settled").map(({ key }) => key)).toEqual([
      first?.key,
    ])
  })
})

describe("who gave back what", () => {
  test("our own refund, told again by the provider and the shop, is one", async () => {
    const orderId = newOrder()
    await taken(orderId, 100)
    await claim(orderId, 40, { key: "mine" })
    await refunded(orderId, 40, { key: "mine", refundId: "re_1" })
    await toldByProvider(orderId, 40, { refundId: "re_1", state: "succeeded", claim: "mine" })
    await toldByShop(orderId, 40, { payments: [{ amount: euro(40), reference: "re_1" }] })
    expect(await statesOf(orderId)).toEqual(["crossdock settled"])
    expect((await claim(orderId, 60, { key: "rest" })).granted).toBe(true)
  })

  test("an echo without a reference is known by amount, tender and time; a second one is the shop's own", async () => {
    const orderId = newOrder()
    await taken(orderId, 100)
    await claim(orderId, 40, { key: "mine" })
    await toldByShop(orderId, 40)
    await refunded(orderId, 40, { key: "mine", refundId: "re_2" })
    expect(await statesOf(orderId)).toEqual(["crossdock settled"])
    await toldByShop(orderId, 40)
    expect(await statesOf(orderId)).toEqual(["crossdock settled", "shop-de settled"])
  })

  test("a refund of another amount, of another number, or before ours is not ours", async () => {
    const orderId = newOrder()
    await taken(orderId, 500)
    await toldByShop(orderId, 40)
    await claim(orderId, 40, { key: "mine" })
    await refunded(orderId, 40, { key: "mine", refundId: "re_3" })
    await toldByShop(orderId, 41)
    await toldByShop(orderId, 40, { payments: [{ amount: euro(40), reference: "re_4" }] })
    expect((await statesOf(orderId)).sort()).toEqual([
      "crossdock settled",
      "shop-de settled",
      "shop-de settled",
      "shop-de settled",
    ])
  })

  test("the account says of a shop's refund whether it is ours", async () => {
    const orderId = newOrder()
    await taken(orderId, 100)
    await claim(orderId, 40, { key: "mine" })
    await refunded(orderId, 40, { key: "mine" })
    await toldByShop(orderId, 40, { refundId: "echo" })
    await toldByShop(orderId, 70, { refundId: "theirs" })
    const seen = (refundId: string) => accounts.seen(orderId, { refundId, currency: "EUR" })
    expect(await seen("echo")).toMatchObject({ isOurs: true })
    expect(await seen("theirs")).toEqual({
      isOurs: false,
      takenMinor: 100,
      givenBack: [
        { by: "crossdock", amountMinor: 40, isOpen: false },
        { by: "shop-de", amountMinor: 70, isOpen: false },
      ],
      left: {},
      withBuyer: {},
    })
  })

  test("a refund that comes back from the bank is free to be given again", async () => {
    const orderId = newOrder()
    await taken(orderId, 100)
    await claim(orderId, 100, { key: "mine" })
    await refunded(orderId, 100, { key: "mine", refundId: "re_5" })
    await toldByProvider(orderId, 100, { refundId: "re_5", state: "failed" })
    expect(await statesOf(orderId)).toEqual(["crossdock failed"])
    // News of it that was under way for longer does not bring it back.
    await toldByProvider(orderId, 100, { refundId: "re_5", state: "succeeded" })
    expect(await statesOf(orderId)).toEqual(["crossdock failed"])
    expect((await claim(orderId, 100, { key: "again" })).granted).toBe(true)
  })
})

describe("derived", () => {
  test("I-10 an account made anew from the log is the same, and a wrong one is put right", async () => {
    const orderId = newOrder()
    await taken(orderId, 300)
    await claim(orderId, 40, { key: "mine" })
    await claim(orderId, 10, { key: "open" })
    await claim(orderId, 10, { key: "let go" })
    await accounts.release(orderId, "let go")
    await toldByShop(orderId, 40)
    await refunded(orderId, 40, { key: "mine", refundId: "re_6" })
    await toldByShop(orderId, 25)
    expect(await rebuildAccount(database.sql, orderId)).toBeUndefined()
    await database.sql`update order_entries set amount = 7 where order_id = ${orderId}`
    expect((await rebuildAccount(database.sql, orderId))?.is.taken).toEqual([{ part: "t1", unit: "EUR", amount: 300 }])
    expect(await rebuildAccount(database.sql, orderId)).toBeUndefined()
  })

  test("I-10 a refund that is told before the captures finds its tender when they are told, as an account made anew does", async () => {
    const orderId = newOrder()
    const payments = (tenderId: string, amountMinor: number): Payments => [{ tenderId, amount: euro(amountMinor) }]
    await toldByShop(orderId, 300, { payments: payments("t2", 300) })
    await toldByShop(orderId, 100)
    const places = async () => (await accounts.read(orderId)).claims.map(({ amount, part }) => [amount, part]).sort()
    expect(await places()).toEqual([
      [100, ""],
      [300, ""],
    ])
    await taken(orderId, 1000, "t1")
    expect(await places()).toEqual([
      [100, "t1"],
      [300, "t1"],
    ])
    await taken(orderId, 500, "t2")
    expect(await places()).toEqual([
      [100, ""],
      [300, "t2"],
    ])
    expect(await rebuildAccount(database.sql, orderId)).toBeUndefined()
  })

  test("whatever is asked in whatever order, the account is what a simple model says", async () => {
    const act = fc.oneof(
      fc.record({ do: fc.constant("take" as const), amount: fc.integer({ min: 1, max: 50 }), key: fc.constant(0) }),
      fc.record({ do: fc.constant("claim" as const), amount: fc.integer({ min: 1, max: 40 }), key: fc.nat(9) }),
      fc.record({ do: fc.constant("settle" as const), amount: fc.constant(0), key: fc.nat(9) }),
      fc.record({ do: fc.constant("release" as const), amount: fc.constant(0), key: fc.nat(9) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
        const orderId = newOrder()
        let takenMinor = 0
        const model = new Map<string, { amount: number; state: string }>()
        const given = () =>
          [...model.values()].reduce((sum, { amount, state }) => (/open|settled/.test(state) ? sum + amount : sum), 0)
        for (const { do: what, amount, key: n } of acts) {
          const key = `k${n}`
          const known = model.get(key)
          if (what === "take") {
            takenMinor += amount
            await taken(orderId, amount)
          } else if (what === "claim") {
            if (!known) model.set(key, { amount, state: given() + amount <= takenMinor ? "open" : "refused" })
            expect((await claim(orderId, amount, { key })).granted).toBe(model.get(key)?.state !== "refused")
          } else if (what === "settle") {
            if (known?.state !== "open") continue
            known.state = "settled"
            await refunded(orderId, known.amount, { key })
          } else {
            if (known?.state === "open") known.state = "released"
            expect(await accounts.release(orderId, key)).toBe(known?.state ?? null)
          }
        }
        const claims = await claimsOf(orderId)
        expect(Object.fromEntries(claims.map(({ key, state }) => [key, state]))).toEqual(
          Object.fromEntries([...model].map(([key, { state }]) => [key, state])),
        )
        expect(given()).toBeLessThanOrEqual(takenMinor)
        expect(await rebuildAccount(database.sql, orderId)).toBeUndefined()
      }),
      { numRuns: 40 },
    )
  }, 120_000)
})
