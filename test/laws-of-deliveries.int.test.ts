import { afterAll, describe, expect, test } from "vitest"
import { startTax, taxToken } from "../lab/tax/tax.ts"
import { startWarehouse } from "../lab/warehouse/warehouse.ts"
import { asAppError } from "../src/base/errors.ts"
import { createLog } from "../src/base/log.ts"
import { systemClock } from "../src/base/time.ts"
import { taxHttp } from "../src/connectors/tax-http/connector.ts"
import { deliveryLaws, pagingMissesNothing } from "../src/ports/delivery-laws.ts"
import { faults } from "../src/ports/law-subject.ts"
import {
  catalogueDeliveries,
  fraudDeliveries,
  shopifyDeliveries,
  stripeDeliveries,
  warehouseDeliveries,
} from "./laws/captured.ts"
import { squareDeliveries } from "./laws/square-deliveries.ts"
import { vendureDeliveries } from "./laws/vendure-deliveries.ts"
import { connectWarehouse } from "./laws/subjects/warehouse-http.ts"
import { startLateCommits } from "./laws/late-commits.ts"
import { routedTo, sampleOrder } from "./laws/sample-order.ts"
import { connectShopify, shopControl, startShopSimulator } from "./laws/subjects/shopify.ts"
import { striker } from "./laws/strike.ts"
import { verdictTable, type Verdict } from "./laws/verdicts.ts"

const verdicts: Verdict[] = []
afterAll(() => console.log(verdictTable(verdicts)))

const subjects = [
  await shopifyDeliveries(),
  await stripeDeliveries(),
  await warehouseDeliveries(),
  await fraudDeliveries(),
  await catalogueDeliveries(),
  vendureDeliveries(),
  squareDeliveries(),
]

for (const subject of subjects)
  describe(`${subject.name} receives deliveries`, () => {
    for (const law of deliveryLaws)
      test(`${law.name}`, () => {
        const verdict = { subject: subject.name, law: law.name, fault: "none", outcome: "broken" }
        verdicts.push(verdict)
        verdict.outcome = law.hold(subject) ?? "kept"
        expect(verdict.outcome).not.toBe("broken")
      })
  })

describe("paging while changes keep coming misses nothing", () => {
  test("warehouse-http shipments", async () => {
    const simulator = await startWarehouse({ seed: 7, habits: { shipAfterMs: { min: 1, max: 40 }, splitShare: 0.5 } })
    const { listsChanges, releasesFulfilment, close } = connectWarehouse(simulator.url)
    let number = 0
    const pages = await pagingMissesNothing({
      name: "warehouse-http",
      list: listsChanges.events,
      async change(count) {
        for (let index = 0; index < count; index++) {
          const order = sampleOrder({ number: (number += 1) })
          const call = { key: `page_${number}`, signal: AbortSignal.timeout(5_000), correlation: "laws" }
          const lines = routedTo(order, "wh-1")
          await releasesFulfilment.releaseShipment.send({ order, locationId: "wh-1", lines }, call)
        }
        await new Promise((resolve) => setTimeout(resolve, 60))
      },
      expected: () => (simulator.books()["shipments"] as { shipmentId: string }[]).map(({ shipmentId }) => shipmentId),
      nameOf: ({ bytes }) => (JSON.parse(new TextDecoder().decode(bytes)) as { shipmentId: string }).shipmentId,
      nowMs: () => systemClock.now(),
    })
    expect(pages).toBeGreaterThan(3)
    close()
    await simulator.stop()
  })

  test.each([
    ["shopify orders", 0],
    ["shopify orders that are committed late", 150],
  ])("%s", async (_name, hiddenMs) => {
    const simulator = await startShopSimulator()
    const late = await startLateCommits(simulator.url, hiddenMs)
    const { listsChanges, receivesDeliveries, close } = connectShopify(late.url)
    await pagingMissesNothing({
      name: "shopify",
      list: listsChanges.orders,
      lateMs: hiddenMs,
      change: async (count) => void (await shopControl(simulator, "orders", { count, ratePerSecond: 200 })),
      expected: () => (simulator.books()["orders"] as { id: number }[]).map(({ id }) => String(id)),
      nameOf: (delivery) => {
        const placed = receivesDeliveries.translate(delivery).events.find(({ type }) => type === "order.placed")
        return placed?.fact.split(":")[2] ?? ""
      },
      nowMs: () => systemClock.now(),
    })
    expect(late.hidden() > 0).toBe(hiddenMs > 0)
    close()
    late.stop()
    await simulator.stop()
  })
})

describe("tax-http checksTax.quoteTax", () => {
  const order = sampleOrder({ number: 3 })
  const call = () => ({ signal: AbortSignal.timeout(2_000), correlation: "laws" })
  const connect = (baseUrl: string) =>
    taxHttp.connect(
      { baseUrl, token: taxToken, allowPrivateNetwork: true },
      { connectionId: "tax", clock: systemClock, log: createLog("laws", "silent") },
    )

  test("asked twice it says the same, line by line, and the lines sum to the whole", async () => {
    const simulator = await startTax({ seed: 7 })
    const { checksTax } = connect(simulator.url)
    const first = await checksTax.quoteTax({ order }, call())
    expect(await checksTax.quoteTax({ order }, call())).toEqual(first)
    expect(first.lines.map(({ lineId }) => lineId)).toEqual(["1", "2", "s1"])
    const charged = order.lines.map((line) => line.taxes.reduce((sum, tax) => sum + tax.amount.shop.amountMinor, 0))
    expect(first.lines.slice(0, 2).map(({ taxMinor }) => taxMinor)).toEqual(charged)
    await simulator.stop()
  })

  test("under every fault a quote is unavailable, never uncertain", async () => {
    const simulator = await startTax({ seed: 7 })
    const strike = striker(simulator, ["quote"])
    const { checksTax } = connect(simulator.url)
    // A quote commits nothing, so only faults before the answer can strike it.
    for (const fault of faults.filter((name) => ["429", "5xx", "outage"].includes(name))) {
      strike(fault, "everywhere")
      const error = await checksTax.quoteTax({ order }, call()).catch(asAppError)
      expect(error).toMatchObject({ kind: "unavailable" })
    }
    await simulator.stop()
  })
})
