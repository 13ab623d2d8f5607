import { describe, expect, test } from "vitest"
import type { Connection, Reader } from "../api/system-answers.ts"
import { connectionState, laneOf, readerState } from "./connection.ts"
import { csvText } from "./csv.ts"
import { amountText, sumByCurrency } from "./money.ts"
import { orderMoney } from "./order-money.ts"
import { bytesText, quantityText } from "./quantity.ts"
import { objectState } from "./roles.ts"
import { clockText, exactText, lengthText, zoneOf } from "./time.ts"
import { hopText, waitText } from "./waits.ts"

const eur = (amountMinor: number) => ({ amountMinor, currency: "EUR" })

describe("money", () => {
  test("has its currency's own decimals, and a real minus sign", () => {
    expect(amountText(eur(123456), "en")).toBe("1,234.56")
    expect(amountText(eur(-5), "en")).toBe("−0.05")
    expect(amountText({ amountMinor: 1234, currency: "JPY" }, "en")).toBe("1,234")
    expect(amountText({ amountMinor: 1234, currency: "KWD" }, "en")).toBe("1.234")
    expect(amountText(eur(123456), "de")).toBe("1.234,56")
  })

  test("is exact where a number of major units is not", () => {
    expect(amountText(eur(9007199254740991), "en")).toBe("90,071,992,547,409.91")
  })

  test("of two currencies is never added", () => {
    const amounts = [eur(1), { amountMinor: 2, currency: "CHF" }, undefined, eur(3)]
    expect(sumByCurrency(amounts)).toEqual([{ amountMinor: 2, currency: "CHF" }, eur(4)])
  })
})

test("a spreadsheet gets exact amounts, and no text that it would run", () => {
  expect(
    csvText(
      ["a", "b"],
      [
        ["=1+1", eur(-5)],
        ['say "hi", now', undefined],
      ],
    ),
  ).toBe('a,b\r\n\'=1+1,-0.05 EUR\r\n"say ""hi"", now",')
})

describe("an order's money", () => {
  const tender = (taken: number, givenBack = 0) => ({
    tenderId: "1",
    provider: "stripe",
    held: eur(0),
    taken: eur(taken),
    givenBack: eur(givenBack),
    disputed: eur(0),
    refunds: [],
    disputes: [],
  })
  const booked = (type: string, amountMinor: number) => ({
    system: "sap",
    type,
    id: type,
    total: eur(amountMinor),
    at: "",
  })

  test("ends in zero when invoices less reversals are what was kept; a sales order posts nothing", () => {
    const documents = [booked("sales order", 5000), booked("invoice", 5000), booked("reversal", 1000)]
    const [sums] = orderMoney({ total: eur(5000) }, { tenders: [tender(5000, 1000)], documents })
    expect(sums).toMatchObject({ kept: 4000, booked: 4000, rest: 0 })
  })

  test("names what is taken and not booked", () => {
    expect(orderMoney({ total: eur(5000) }, { tenders: [tender(5000)], documents: [] })[0]?.rest).toBe(5000)
  })

  test("stands apart for a buyer who pays in another currency", () => {
    const sums = orderMoney(
      { total: { amountMinor: 900, currency: "CHF" } },
      { tenders: [tender(1000)], documents: [] },
    )
    expect(sums.map(({ currency, ordered, taken }) => [currency, ordered, taken])).toEqual([
      ["CHF", 900, 0],
      ["EUR", 0, 1000],
    ])
  })
})

describe("times", () => {
  const berlin = { timeZone: "Europe/Berlin", name: "Berlin" }
  const nowMs = Date.parse("2026-11-29T15:00:00Z")

  test("show the clock today, the day before that, and the year long before", () => {
    const text = (at: string) => clockText({ at, nowMs, zone: berlin, locale: "en-GB" })
    expect(text("2026-11-29T13:02:00Z")).toBe("14:02")
    expect(text("2026-11-27T13:02:00Z")).toBe("27 Nov, 14:02")
    expect(text("2025-01-02T13:02:00Z")).toBe("2 Jan 2025, 14:02")
  })

  test("say their zone where they are exact, and today is the day of the zone", () => {
    expect(exactText({ at: "2026-11-29T23:30:05Z", zone: berlin, locale: "en-GB" })).toBe(
      "30 Nov 2026, 00:30:05 Berlin",
    )
    expect(zoneOf("utc", "Europe/Berlin").name).toBe("UTC")
    expect(zoneOf("store", "America/New_York").name).toBe("New York")
  })

  test("as lengths are in their largest whole unit", () => {
    expect([-5, 40_000, 59 * 60_000, 47 * 3_600_000, 49 * 3_600_000].map(lengthText)).toEqual([
      "0 s",
      "40 s",
      "59 min",
      "47 h",
      "2 d",
    ])
  })
})

test("quantities and sizes are written as people write them", () => {
  expect([quantityText(1500, "en"), quantityText(-2000, "en"), bytesText(3_530_752, "en")]).toEqual([
    "1.5",
    "−2",
    "3.5 MB",
  ])
})

describe("states", () => {
  const reader: Reader = { name: "check sap", state: "ok", everyMs: 1000, lateAfterMs: 5000 }
  const sap: Connection = {
    id: "sap",
    connector: "sap-s4hana",
    apiVersion: "2402",
    capabilities: ["booksOrders"],
    connectedAt: "2026-11-29T15:00:00Z",
    isPaused: false,
    breaker: "closed",
    retryInMs: 0,
    askedToWaitMs: 0,
    callsUnderWay: 0,
    callsWaiting: 0,
    objectsWaiting: 0,
    readers: [reader],
  }

  test("of a connection are never green before a success", () => {
    expect(connectionState(sap).role).toBe("waiting")
    expect(readerState(reader).role).toBe("waiting")
    const heard = { ...reader, succeededAt: "2026-11-29T15:00:00Z" }
    expect(connectionState({ ...sap, readers: [heard] })).toEqual({ role: "done", word: "up" })
    expect(connectionState({ ...sap, readers: [heard], breaker: "open" }).role).toBe("stopped")
    expect(connectionState({ ...sap, readers: [heard], isPaused: true }).word).toBe("paused")
  })

  test("of objects follow the word and whether they ended", () => {
    expect(objectState({ kind: "order", state: "closed" }).role).toBe("done")
    expect(objectState({ kind: "order", state: "some later word" }).role).toBe("moving")
    expect(objectState({ kind: "delivery", state: "lost" }).role).toBe("risk")
    expect(objectState({ kind: "delivery", state: "lost", endedAt: "2026-11-29T15:00:00Z" }).role).toBe("stopped")
    expect(objectState({ kind: "delivery", state: "delivered", endedAt: "2026-11-29T15:00:00Z" }).role).toBe("done")
  })

  test("a system stands in the column of what it is used for", () => {
    const mail = { ...sap, id: "mail", capabilities: ["sendsMail"] }
    const lanes = ["sap", "crossdock-stock", "mail", "a till's program"].map((system) => laneOf(system, [sap, mail]))
    expect(lanes).toEqual(["books", "crossdock", "others", "shop"])
  })
})

test("waits and steps are said in words", () => {
  expect(waitText({ kind: "connection", name: "sap" })).toBe("sap to answer")
  expect(waitText({ kind: "signal", name: "exception.decided" })).toBe("a person to decide")
  expect(waitText({ kind: "signal", name: "shipment.confirmed or shipment.short or order.edited" })).toBe(
    "the warehouse to ship",
  )
  expect(waitText({ kind: "signal", name: "gift-card.issued" })).toBe("gift card issued")
  expect([hopText("capture payment#SH-1:2"), hopText("order.placed"), hopText("orders/create by webhook")]).toEqual([
    "capture payment",
    "order placed",
    "orders/create by webhook",
  ])
})
