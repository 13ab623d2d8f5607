import { afterAll, describe, expect, test } from "vitest"
import { bulkLaws, type BulkSubject } from "../src/ports/bulk-laws.ts"
import { startStockBench } from "./laws/stock-bench.ts"
import { startVendureCatalogueBench } from "./laws/vendure-catalogue-bench.ts"
import { startVendureStockBench } from "./laws/vendure-stock-bench.ts"
import { verdictTable, type Verdict } from "./laws/verdicts.ts"

const stock = await startStockBench()
const vendure = await startVendureStockBench()
const catalogue = await startVendureCatalogueBench()
const verdicts: Verdict[] = []
afterAll(async () => {
  await stock.stop()
  await vendure.stop()
  await catalogue.stop()
  console.log(verdictTable(verdicts))
})

// A law hands a subject only items that the subject itself has made.
const subjects = [
  stock.subject,
  vendure.subject,
  ...catalogue.priceSubjects,
  catalogue.productSubject,
] as unknown as BulkSubject[]

describe.each(subjects)("$name", (subject) => {
  for (const law of bulkLaws)
    for (const fault of law.faults)
      test(`${law.name} (${fault})`, async () => {
        const verdict: Verdict = { subject: subject.name, law: law.name, fault, outcome: "broken" }
        verdicts.push(verdict)
        await law.hold(subject, fault).finally(() => subject.strike("none", "everywhere"))
        verdict.outcome = "kept"
      })
})

const call = () => ({ key: "stock", signal: AbortSignal.timeout(10_000), correlation: "stock" })

/** What the staff does in the shop. */
async function count(sku: string, available: number): Promise<void> {
  const body = JSON.stringify({ sku, locationId: "wh-rotterdam", available })
  await fetch(`${stock.simulator.url}/__lab/stock`, { method: "PUT", body })
}

test("a level that somebody changes between our read and our write is read again, and the level we publish stands", async () => {
  const [sku = "", other = ""] = stock.skus
  const level = (name: string, pieces: number) => ({
    sku: name,
    locationId: "wh-rotterdam",
    available: { milli: pieces * 1000, unit: "ea" },
  })
  await stock.subject.write.send([level(sku, 5), level(other, 5)], call())
  // Our write takes so long that the shop's own changes come in between.
  stock.simulator.setFaults({ operations: { inventorySetQuantities: { latencyMs: { p50: 150, p99: 160 } } } })
  const sending = stock.subject.write.send([level(sku, 9), level(other, 9)], call())
  for (let n = 0; n < 8; n += 1) {
    await count(sku, 100 + n)
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
  const outcomes = await sending
  stock.simulator.setFaults({})
  expect(outcomes.map(({ kind }) => kind)).toEqual(["done", "done"])
  expect([stock.levelOf(sku), stock.levelOf(other)]).toEqual([9, 9])
})

test("goods sold by weight are published in whole pieces, rounded down, and read back as published", async () => {
  const [sku = ""] = stock.skus
  const level = { sku, locationId: "wh-rotterdam", available: { milli: 12_700, unit: "kg" } }
  const [outcome] = await stock.subject.write.send([level], call())
  expect(outcome).toMatchObject({ kind: "done", outcome: { available: { milli: 12_000, unit: "kg" } } })
  expect(stock.levelOf(sku)).toBe(12)
  const [found] = await stock.subject.write.probe([level], call())
  expect(found).toMatchObject({ available: { milli: 12_000, unit: "kg" } })
})
