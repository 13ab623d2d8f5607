import { describe, expect, it } from "vitest"
import { Goods } from "../../../../test/fixtures/fulfilment/goods.ts"
import { card, euro, orderId, parcel, plainOrder, type Pieces } from "../../../../test/fixtures/fulfilment/told.ts"
import { unpaidMinor } from "../../edit-payment.ts"
import type { Order } from "../../../canonical/order.ts"
import type { PaidEdit, Told } from "../news.ts"

const order = plainOrder({ A: 3, B: 1 })
const version = "2026-11-20T12:00:00.000Z"
const edited = (pieces: Pieces, more = {}) => plainOrder(pieces, { version, tenders: [], ...more })
const address = { name: "Ada", line1: "1 Main St", postalCode: "1000", city: "Ghent", countryCode: "BE" }
const goodsOf = (onLateEdit: "ask" | "keep" | "carry out what is paid") =>
  Goods.released(order, { north: { A: 3 }, south: { B: 1 } }, { terms: { onLateEdit } })
const told = (to: Order, { fact = "e1", paid }: { fact?: string; paid?: PaidEdit } = {}): Told<"order.edited"> => {
  return { type: "order.edited", fact, data: { orderId, order: to }, ...(paid && { paid }) }
}
const added = [card(1000, "T2")]

describe("an edit after release that is paid, where the policy has such edits carried out", () => {
  it("sends the lines that an exchange added, in a leg of their own, and asks nobody", () => {
    const goods = goodsOf("carry out what is paid")
    goods.hear(parcel("S1", "north", { A: 3 }))
    expect(goods.hear(told(edited({ A: 3, B: 1, C: 1 }), { paid: { added: [] } }))).toEqual([
      `reserve for edit ${version}: 1 C`,
      `find locations ${version}:1 for 1 C but not -`,
      "release leg 3",
      `amend in ERP as ${version}: 3 A, 1 B, 1 C`,
    ])
    expect(goods.state.waitingEdits).toEqual([])
  })

  it("stops what it takes off, and takes the payments that came for it", () => {
    const goods = goodsOf("carry out what is paid")
    expect(goods.hear(told(edited({ A: 2, B: 1, C: 1 }), { paid: { added } }))[0]).toBe(
      `stop leg 1 as ${version}:A: 1 A`,
    )
    expect(goods.state.order.tenders.map(({ id }) => id)).toEqual([...order.tenders.map(({ id }) => id), "T2"])
  })

  it("that is not paid asks, and is carried out once it is paid", () => {
    const goods = goodsOf("carry out what is paid")
    expect(goods.hear(told(edited({ A: 3, B: 1, C: 1 })))).toEqual(["raise changed after release#e1"])
    expect(goods.hear({ type: "edit is paid", fact: "e1", paid: { added } }).slice(0, 2)).toEqual([
      "settle changed after release#e1",
      `reserve for edit ${version}: 1 C`,
    ])
    expect(goods.hear({ type: "edit is paid", fact: "e1", paid: { added } })).toEqual([])
  })

  it("that replaces one which waits closes the question about that one", () => {
    const goods = goodsOf("carry out what is paid")
    goods.hear(told(edited({ A: 3, B: 1, C: 9 })))
    const later = plainOrder({ A: 3, B: 1, C: 1 }, { version: "2026-11-20T13:00:00.000Z" })
    expect(goods.hear(told(later, { fact: "e2", paid: { added: [] } }))[0]).toBe("settle changed after release#e1")
  })

  it("to another address is a person's matter, paid or not", () => {
    const goods = goodsOf("carry out what is paid")
    const moved = edited({ A: 3, B: 1, C: 1 }, { shippingAddress: address })
    expect(goods.hear(told(moved, { paid: { added: [] } }))).toEqual(["raise changed after release#e1"])
    expect(goods.hear({ type: "edit is paid", fact: "e1", paid: { added: [] } })).toEqual([])
    expect(goods.state.waitingEdits).toHaveLength(1)
  })

  it("is only reported where the policy keeps orders as they were", () => {
    expect(goodsOf("keep").hear(told(edited({ A: 2, B: 1 }), { paid: { added: [] } }))).toEqual([
      "raise changed after release#e1",
    ])
  })
})

describe("what of an order is unpaid", () => {
  const total = (minor: number) => ({ total: euro(minor) })
  const refund = (amountMinor: number, worthMinor?: number) => ({
    amount: euro(amountMinor),
    ...(worthMinor === undefined ? {} : { worth: euro(worthMinor) }),
  })

  it("in an exchange what came back and was not given back pays for what goes out", () => {
    const paid = { tenders: [card(4000)], refunds: [refund(0, 1000)] }
    expect(unpaidMinor(total(5000), paid)).toBe(0)
    expect(unpaidMinor(total(5200), paid)).toBe(200)
  })

  it("money that was given back pays for nothing, and payments that failed or are on their way are none", () => {
    expect(unpaidMinor(total(4000), { tenders: [card(4000)], refunds: [refund(1000)] })).toBe(0)
    expect(unpaidMinor(total(4000), { tenders: [card(4000)], refunds: [refund(1000, 0)] })).toBe(1000)
    const tenders = [
      card(3000),
      { ...card(1000, "T2"), state: "failed" as const },
      { ...card(500, "T3"), state: "pending" as const },
    ]
    expect(unpaidMinor(total(4000), { tenders, refunds: [] })).toBe(1000)
  })
})
