import { afterAll, beforeAll, expect, test } from "vitest"
import { money } from "../../src/base/money.ts"
import type { CaptureShare } from "../../src/ports/capabilities/payments.ts"
import { newCall, startShopBench, type ShopBench } from "./shopify-bench.ts"

let bench: ShopBench
beforeAll(async () => {
  bench = await startShopBench()
})
afterAll(() => bench.stop())

interface Transaction {
  id: number
  kind: string
}
interface ShopOrder {
  id: number
  transactions: Transaction[]
}
const ordersNow = () => bench.simulator.books()["orders"] as unknown as ShopOrder[]

/** An order whose payment the shop itself holds, and all of it as one share. */
async function held(): Promise<{ order: () => ShopOrder; share: CaptureShare }> {
  const { orders } = (await bench.act("orders", { count: 1, payment: "held" })) as { orders: { id: number }[] }
  const id = orders[0]?.id ?? 0
  const order = () => ordersNow().find((one) => one.id === id) ?? { id, transactions: [] }
  const inChannel = { orderId: String(id), tenderId: String(order().transactions[0]?.id) }
  const at = { orderId: "ord_0000000000000000", paymentId: "p", inChannel }
  const now = await bench.shop.readsPayments.readPayment(at, newCall())
  const amount = now?.open ?? money(0, "EUR")
  const takenBefore = money(0, amount.currency)
  return { order, share: { ...at, amount, upTo: amount, inAll: amount, takenBefore, isFinal: true } }
}

const statusOf = (id: number, place: number, status: string) =>
  bench.act(`orders/${id}/set`, { set: { [`transactions.${place}.status`]: status }, silent: true })

test("P-35: a capture that the shop has not finished is waited for, and never made twice", async () => {
  const { order, share } = await held()
  const { capture } = bench.shop.capturesPayments
  await capture.send(share, newCall())
  for (const status of ["PENDING", "AWAITING_RESPONSE"]) {
    await statusOf(order().id, 1, status)
    await expect(capture.probe(share, newCall())).rejects.toMatchObject({ code: "VENDOR_UNCERTAIN" })
    await expect(capture.send(share, newCall())).rejects.toMatchObject({ code: "VENDOR_UNCERTAIN" })
  }
  await statusOf(order().id, 1, "SUCCESS")
  expect(await capture.probe(share, newCall())).toMatchObject({ amount: share.amount })
  expect(order().transactions.map(({ kind }) => kind.toLowerCase())).toEqual(["authorization", "capture"])
})
