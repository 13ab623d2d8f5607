import { startVendure, vendurePassword, vendureUser } from "../../../lab/vendure/vendure.ts"
import { createLog } from "../../../src/base/log.ts"
import { money } from "../../../src/base/money.ts"
import { pieces } from "../../../src/base/quantity.ts"
import { systemClock } from "../../../src/base/time.ts"
import { vendure } from "../../../src/connectors/vendure/connector.ts"
import { intentOf, type LawSubject } from "../../../src/ports/law-subject.ts"
import type { LawBench } from "../benches.ts"
import { sampleOrder } from "../sample-order.ts"
import { striker } from "../strike.ts"

interface Row {
  id: string
  state: string
  totalWithTax: number
  lines: { id: string; quantity: number }[]
  payments: { refunds: { state: string; total: number; reason: string | null }[] }[]
  fulfillments: { state: string; trackingCode: string }[]
}

type Simulator = Awaited<ReturnType<typeof startVendure>>
type Shop = ReturnType<typeof connectVendure>

interface Bench {
  simulator: Simulator
  here: Shop
  nowhere: Shop
}

type Settings = Parameters<typeof vendure.connect>[0]

/** The lab's shop as a connection has it; `stock` are its stock locations by our places. */
export function connectVendure(
  baseUrl: string,
  stock?: Record<string, string>,
  more: Pick<Partial<Settings>, "prices" | "products" | "moneyDigits"> = {},
) {
  const settings = {
    baseUrl,
    user: vendureUser,
    password: vendurePassword,
    webhookSecrets: [`whsec_${Buffer.from("laws").toString("base64")}`],
    // The schema is built from a list, so its static type has no names.
    tenderKinds: { card: "card", "by-hand": "card" } as never,
    settledByUs: ["by-hand"],
    allowPrivateNetwork: true,
    ...(stock && { stock }),
    ...more,
  }
  return vendure.connect(settings, {
    connectionId: "vendure-shop",
    clock: systemClock,
    log: createLog("laws", "silent"),
  })
}

export async function startBench(): Promise<LawBench> {
  const simulator = await startVendure({ seed: 7 })
  const bench: Bench = { simulator, here: connectVendure(simulator.url), nowhere: connectVendure("http://127.0.0.1:9") }
  return {
    subjects: [confirmFulfilment(bench), cancelOrder(bench), refundOrder(bench)],
    stop: async () => {
      bench.here.close()
      bench.nowhere.close()
      await simulator.stop()
    },
  }
}

// The simulator's books hold exactly these rows (lab/vendure/orders.ts).
const rowOf = ({ simulator }: Bench, id: string) => (simulator.books()["orders"] as Row[]).find((row) => row.id === id)

let count = 0
const nextKey = () => `eff_${String((count += 1)).padStart(16, "0")}`

/** An order that a buyer placed and paid; every second one by a method whose refunds people settle. */
async function placed({ simulator }: Bench) {
  const lines = [
    { sku: "LAW-1", quantity: 1, unitPrice: 1_190 + count },
    { sku: "LAW-2", quantity: 2, unitPrice: 630 },
  ]
  const body = JSON.stringify({ lines, method: count % 2 === 0 ? "card" : "by-hand" })
  const answer = await fetch(`${simulator.url}/__lab/orders`, { method: "POST", body })
  const row = (await answer.json()) as Row
  const sample = sampleOrder({ number: count + 1 })
  const order = {
    ...sample,
    externalId: row.id,
    lines: sample.lines.map((line, n) => ({
      ...line,
      id: row.lines[n]?.id ?? "",
      quantity: pieces(row.lines[n]?.quantity ?? 1),
    })),
  }
  return { order, row }
}

function confirmFulfilment(bench: Bench): LawSubject {
  const make = async ({ confirmsFulfilment }: Shop, isTooMuch = false) => {
    const { order } = await placed(bench)
    const key = nextKey()
    const lines = order.lines
      .slice(0, 1)
      .map(({ id, quantity }) => ({ lineId: id, quantity: isTooMuch ? pieces(99) : quantity }))
    const shipment = {
      id: key,
      orderId: order.id,
      locationId: "anywhere",
      shippedAt: order.placedAt,
      trackingNumber: `T${key}`,
      lines,
    }
    return intentOf(confirmsFulfilment.confirmFulfilment, {
      input: { order, shipment, notifyCustomer: false },
      key,
      count: () => rowOf(bench, order.externalId)?.fulfillments.filter(({ state }) => state === "Shipped").length ?? 0,
    })
  }
  return {
    name: "vendure confirmsFulfilment.confirmFulfilment",
    make: () => make(bench.here),
    refused: () => make(bench.here, true),
    unreachable: () => make(bench.nowhere),
    // Adding the fulfilment alone ships nothing: a response lost there leaves nothing done.
    strike: striker(bench.simulator, ["transitionFulfillmentToState"]),
  }
}

function cancelOrder(bench: Bench): LawSubject {
  const make = async ({ cancelsChannelOrders }: Shop) => {
    const { order, row } = await placed(bench)
    const paidMinor = row.totalWithTax
    return intentOf(cancelsChannelOrders.cancelOrder, {
      input: { order, reason: "the customer changed their mind", refund: true },
      key: nextKey(),
      // Done means cancelled and all the money given back.
      count: () => {
        const now = rowOf(bench, row.id)
        const refunds = (now?.payments ?? []).flatMap((payment) => payment.refunds)
        const givenMinor = refunds.filter(({ state }) => state === "Settled").reduce((sum, { total }) => sum + total, 0)
        return now?.state === "Cancelled" ? givenMinor / paidMinor : 0
      },
    })
  }
  return {
    name: "vendure cancelsChannelOrders.cancelOrder",
    make: () => make(bench.here),
    unreachable: () => make(bench.nowhere),
    cannotLose: {
      "commit then reset": "a lost answer leaves the second of its calls to be made",
      "commit then 5xx": "a lost answer leaves the second of its calls to be made",
      "answer too late": "a lost answer leaves the second of its calls to be made",
    },
    strike: striker(bench.simulator, ["cancelOrder"]),
  }
}

function refundOrder(bench: Bench): LawSubject {
  const make = async ({ refundsChannelOrders }: Shop, isTooMuch = false) => {
    const { order, row } = await placed(bench)
    const key = nextKey()
    const [line] = order.lines
    if (line === undefined) throw new Error("an order has lines")
    const paid = money(isTooMuch ? row.totalWithTax + 1 : 777, "EUR")
    return intentOf(refundsChannelOrders.refundOrder, {
      input: {
        order,
        refundId: key,
        amount: { shop: paid, presentment: paid },
        lines: [{ lineId: line.id, quantity: line.quantity }],
      },
      key,
      count: () => refundsOf(bench, row.id, key).length,
      amounts: () => {
        const [refund] = refundsOf(bench, row.id, key)
        return { sent: paid, inBooks: refund && money(refund.total, "EUR") }
      },
    })
  }
  return {
    name: "vendure refundsChannelOrders.refundOrder",
    make: () => make(bench.here),
    refused: () => make(bench.here, true),
    unreachable: () => make(bench.nowhere),
    strike: striker(bench.simulator, ["refundOrder"]),
  }
}

const refundsOf = (bench: Bench, id: string, key: string) =>
  (rowOf(bench, id)?.payments ?? []).flatMap(({ refunds }) => refunds).filter(({ reason }) => reason?.includes(key))
