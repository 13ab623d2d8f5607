import { AppError } from "../../base/errors.ts"
import { moneyToDecimal } from "../../base/money.ts"
import type { Api } from "../api.ts"
import { clockText, table } from "../table.ts"
import { needed, withApi } from "../with-api.ts"

interface Amount {
  amountMinor: number
  currency: string
}

interface Refund {
  by: string
  amount: Amount
  state: string
  reference?: string
  toldBy: string[]
  at: string
}

interface AccountAnswer {
  orderId: string
  lines: {
    sku: string
    title: string
    unit: string
    orderedMilli: number
    allocatedMilli: number
    shippedMilli: number
    returnedMilli: number
    cancelledMilli: number
  }[]
  tenders: { tenderId: string; provider: string; held: Amount; taken: Amount; givenBack: Amount; refunds: Refund[] }[]
  refunds: Refund[]
  documents: { system: string; type: string; id: string; total: Amount; at: string }[]
  openClaims: { kind: string; part: string; amount: number; unit: string; by: string; at: string }[]
}

/** `crossdock orders account <order>`: what became of its lines and its money, and what is booked. */
export function showAccount(args: string[]): Promise<number> {
  return withApi(args, {}, async (api, { positionals }) => {
    const id = needed(positionals, "crossdock orders account <order id or number>")
    const account = await api.get<AccountAnswer>(`/v1/orders/${await orderIdOf(api, id)}/account`)
    return { data: account, text: () => accountText(account) }
  })
}

/** The id of an order that is named by its id or by a number. A number of several orders is refused, with all of them. */
export async function orderIdOf(api: Api, text: string): Promise<string> {
  if (/^ord_[0-9a-z]{16}$/.test(text)) return text
  const { items } = await api.get<{
    items: { ref: string; isExact: boolean; object?: { kind: string; id: string } }[]
  }>("/v1/search", { q: text })
  const orders = items.flatMap(({ isExact, object }) => (isExact && object?.kind === "order" ? [object.id] : []))
  const [id, ...others] = orders
  if (id === undefined) throw new AppError("NOT_FOUND", `no order is known by "${text}"`)
  if (others.length > 0)
    throw new AppError(
      "REQUEST_INVALID",
      `"${text}" is the number of several orders; give the id of one: ${orders.join(", ")}`,
    )
  return id
}

const units = (milli: number) => String(milli / 1000)
const amount = (money: Amount) => `${moneyToDecimal(money)} ${money.currency}`

function accountText({ lines, tenders, refunds, documents, openClaims }: AccountAnswer): string {
  const lineHead = ["sku", "title", "ordered", "allocated", "shipped", "returned", "cancelled"]
  const lineRows = lines.map((line) => [
    line.sku,
    line.title,
    units(line.orderedMilli),
    units(line.allocatedMilli),
    units(line.shippedMilli),
    units(line.returnedMilli),
    units(line.cancelledMilli),
  ])
  const tenderRows = tenders.map((one) => [
    one.tenderId,
    one.provider,
    amount(one.held),
    amount(one.taken),
    amount(one.givenBack),
  ])
  const givenBack = [...tenders.flatMap((one) => one.refunds), ...refunds]
  const refundRows = givenBack.map((one) => [
    clockText(one.at),
    one.by,
    amount(one.amount),
    one.state,
    one.reference ?? "",
    one.toldBy.join(", "),
  ])
  const documentRows = documents.map((one) => [clockText(one.at), one.system, one.type, one.id, amount(one.total)])
  const claimRows = openClaims.map((one) => [
    clockText(one.at),
    one.kind,
    one.part,
    String(one.amount),
    one.unit,
    one.by,
  ])
  return [
    table(lineHead, lineRows),
    ...section(["tender", "provider", "held", "taken", "given back"], tenderRows),
    ...section(["time", "given back by", "amount", "state", "reference", "told by"], refundRows),
    ...section(["time", "document in", "type", "number", "over"], documentRows),
    ...section(["time", "open claim", "of", "amount", "", "by"], claimRows),
  ].join("\n")
}

function section(head: string[], rows: string[][]): string[] {
  return rows.length > 0 ? ["", table(head, rows)] : []
}
