import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { derivedId } from "../../base/ids.ts"
import { money } from "../../base/money.ts"
import { instant, systemClock } from "../../base/time.ts"
import { newEvent } from "../../canonical/events.ts"
import { exampleOrder } from "../../canonical/events/example-order.ts"
import { EventLog } from "../../eventlog/event-log.ts"
import { splitRefund } from "../../rules/returns/split.ts"
import { OrderAccounts } from "../accounts.ts"
import { noted } from "../entries.ts"
import { hasLastGoods, shippingGiven, tendersLeft } from "./sold.ts"

let database: FreshDatabase
let log: EventLog
let accounts: OrderAccounts
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 4 })
  log = new EventLog(database.sql, (event) => ({ starts: [], signals: [], ...noted(event) }))
  accounts = new OrderAccounts(database.sql)
})
afterAll(() => database?.drop())

test("money that went back by nobody knows which tender is left on none of them, so every part that is split can be claimed", async () => {
  const at = instant(systemClock.now())
  const orderId = derivedId("ord", "tenders left")
  const [tender] = exampleOrder.tenders
  if (!tender) throw new Error("the example has no tender")
  const currency = exampleOrder.currency.presentment
  for (const tenderId of ["A", "B"])
    await log.append(
      newEvent({
        type: "payment.captured",
        fact: `taken ${tenderId}`,
        source: "test",
        time: at,
        data: { orderId, tenderId, amount: money(500, currency), by: "test", at },
      }),
    )
  await log.append(
    newEvent({
      type: "order.refunded",
      fact: "unnamed",
      source: "shop",
      time: at,
      data: {
        orderId,
        refundId: "1",
        amount: { shop: money(700, currency), presentment: money(700, currency) },
        lines: [],
        payments: [{ amount: money(700, currency) }],
        at,
      },
    }),
  )
  const order = { ...exampleOrder, id: orderId, tenders: ["A", "B"].map((id) => ({ ...tender, id })) }
  let rest = 1000
  let granted = 0
  for (let attempt = 1; attempt <= 5 && rest > 0; attempt += 1) {
    const { parts, uncoveredMinor } = splitRefund(rest, await tendersLeft(accounts, order))
    rest = uncoveredMinor
    for (const { tenderId, amountMinor } of parts) {
      const claim = { orderId, tenderId, amount: money(amountMinor, currency), keptMinor: 0, by: "return/x" }
      if ((await accounts.claimRefund(claim, `${attempt} ${tenderId}`)).granted) granted += amountMinor
      else rest += amountMinor
    }
    if (uncoveredMinor > 0) break
  }
  expect({ granted, rest }).toEqual({ granted: 300, rest: 700 })
})

test("of two inspections that have the last goods together one says so, whoever asks first; and what the shop gave of shipping is known", async () => {
  const at = instant(systemClock.now())
  const orderId = derivedId("ord", "last goods")
  const currency = exampleOrder.currency.presentment
  const lines = ["1", "2"].map((lineId) => ({ lineId, quantity: { milli: 1000, unit: "ea" } }))
  const left = { orderId, shipmentId: "s", locationId: "dc", lines, at }
  await log.append(newEvent({ type: "goods.shipped", fact: "left", source: "test", time: at, data: left }))
  for (const [n, line] of lines.entries())
    await accounts.claimBack({ orderId, ...line, isGivenFor: true, by: "return/one" }, `round ${n + 1}`)
  const says = await Promise.all(["round 1", "round 2"].map((key) => hasLastGoods(accounts, orderId, [key])))
  expect(says).toEqual([false, true])
  const amount = { shop: money(300, currency), presentment: money(300, currency) }
  const charges = [{ kind: "shipping" as const, worth: amount }]
  const refund = { orderId, refundId: "2", amount, lines: [], charges, at }
  await log.append(newEvent({ type: "order.refunded", fact: "shipping", source: "shop", time: at, data: refund }))
  expect(await shippingGiven(log, orderId)).toEqual({ shopMinor: 300, presentmentMinor: 300 })
})
