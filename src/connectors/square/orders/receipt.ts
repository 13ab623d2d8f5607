import type { Problem } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import { cut } from "../../../base/text.ts"
import { parseInstant } from "../../../base/time.ts"
import { soldMinor } from "../../../canonical/sales/receipt-law.ts"
import type { ReceiptLine } from "../../../canonical/sales/receipt-line.ts"
import type { Receipt } from "../../../canonical/sales/receipt.ts"
import { fieldOf, type ReadOrder } from "../payloads.ts"
import { tillDefault, type SquareSettings } from "../settings.ts"
import { definitionsOf, signed, sumOf } from "./applied.ts"
import { serviceChargeOf, tipOf } from "./charges.ts"
import { lineOf, type Charge, type LinesOf } from "./lines.ts"
import { Spot, type Findings } from "./spot.ts"
import { owedFor } from "./refunds.ts"
import { deviceOf, isNoSale, tenderOf, tillOf, tipsMinor, type Money } from "./tenders.ts"

export type ReceiptSettings = Pick<SquareSettings, "locations" | "tills" | "taxCodes" | "withoutSku" | "returnedGoods">

/** What an order says as a receipt: the receipt without what could not be read, and every problem of it. */
export interface ReadReceipt {
  receipt: Receipt
  problems: Problem[]
  /** What Square says that it comes to: sold less taken back. */
  worthMinor: number
}

type Part = { lines: ReceiptLine[]; charges: Charge[]; roundingMinor: number }

/**
 * Reads a completed order as one receipt; `storeId` is the store of its location. For each amount there is one source: prices at the
 * lines, taxes and discounts where they are applied, service charges at the order, the tip as the order's total, money at the tenders.
 * What Square says beside that is compared, and never added.
 */
export function receiptOf(
  read: ReadOrder,
  { currency, storeId, settings }: { currency: string; storeId: string; settings: ReceiptSettings },
): ReadReceipt {
  const findings: Findings = { problems: [], currency }
  const order = new Spot(read.order, "/order", findings)
  const money: Money = {
    payments: byId(read.payments, "/payments", findings),
    locationId: order.text("location_id") ?? "",
  }
  const tenders = order.list("tenders")
  const returns = order.list("returns")
  const base = { settings, skus: read.skus }
  const sold = soldOf(order, {
    ...base,
    sign: 1,
    definitions: definitionsOf(order, saleNames),
    tips: tipsMinor(tenders, money),
  })
  const back = returns.map((one) => backOf(one, { ...base, read, storeId }))
  checkTotals(order, { sold, back })
  const parts = [sold, ...back]
  const noSale = isNoSale(tenders) && parts.every(({ lines }) => lines.length === 0)
  const paid = noSale
    ? []
    : [
        ...tenders.flatMap((one) => tenderOf(one, money)),
        // A sale may show refunds of it as well; they are told by the orders that took the goods or the amount back.
        ...(returns.length > 0 ? order.list("refunds").map(owedFor) : []),
      ]
  const [lines, charges] = [parts.flatMap((part) => part.lines), parts.flatMap((part) => part.charges)]
  const roundingMinor = sumOf(parts.map((part) => part.roundingMinor))
  const offline = offlineOf(tenders, money)
  const cashier = cashierOf(tenders, money)
  const receipt: Receipt = {
    storeId,
    tillId: tillIdOf(order, { tenders, money, settings }),
    documentId: order.text("id") ?? "-",
    kind: noSale ? "no-sale" : "sale",
    currency,
    ...timesOf(order, { offline, isReturn: returns.length > 0 && sold.lines.length === 0 }),
    ...(offline === undefined ? {} : { isOffline: true }),
    ...(cashier === undefined ? {} : { cashier }),
    ...(lines.length > 0 ? { lines } : {}),
    ...(charges.length > 0 ? { charges } : {}),
    ...(paid.length > 0 ? { tenders: paid } : {}),
    ...(roundingMinor === 0 ? {} : { roundingMinor }),
  }
  return { receipt, problems: findings.problems, worthMinor: worthOf(read.order) }
}

const saleNames = { taxes: "taxes", discounts: "discounts" } as const
const returnNames = { taxes: "return_taxes", discounts: "return_discounts" } as const

function byId(values: readonly unknown[], pointer: string, findings: Findings): ReadonlyMap<string, Spot> {
  return new Map(
    values.map((value, n) => {
      const spot = new Spot(value, `${pointer}/${n}`, findings)
      return [spot.text("id") ?? "", spot]
    }),
  )
}

function soldOf(order: Spot, { tips, ...of }: LinesOf & { tips: number }): Part {
  const tip = order.minor("total_tip_money") ?? 0
  if (tip !== tips) order.fail(`is ${tip} minor units, and the tips of the tenders come to ${tips}`, "total_tip_money")
  return {
    lines: order.list("line_items").flatMap((one) => lineOf(one, of)),
    charges: [...order.list("service_charges").map((one) => serviceChargeOf(one, of)), ...tipOf(tip, 1)],
    roundingMinor: order.child("rounding_adjustment").minor("amount_money") ?? 0,
  }
}

/** What came back of one order. Without a source it is a return of goods whose sale nobody knows. */
function backOf(
  spot: Spot,
  {
    storeId,
    read,
    ...of
  }: Pick<LinesOf, "settings" | "skus"> & { storeId: string; read: ReadOrder; settings: ReceiptSettings },
): Part {
  const source = spot.text("source_order_id")
  const disposition = of.settings.returnedGoods
  const lines: LinesOf = {
    ...of,
    sign: -1,
    definitions: definitionsOf(spot, returnNames),
    returned: {
      ...(source === undefined
        ? { reason: "Square names no order that sold it" }
        : {
            original: {
              storeId: storeOf(source, { sources: read.sources, storeId, settings: of.settings }),
              ...momentOf(own(read.soldAt ?? {}, source)),
              documentId: cut(source, 64),
            },
          }),
      ...(disposition === undefined ? {} : { disposition }),
    },
  }
  const tips = spot.list("return_tips").map((one) => one.amount("applied_money"))
  return {
    lines: spot.list("return_line_items").flatMap((one) => lineOf(one, lines)),
    charges: [
      ...spot.list("return_service_charges").map((one) => serviceChargeOf(one, lines)),
      ...tipOf(sumOf(tips), -1),
    ],
    roundingMinor: signed(spot.child("rounding_adjustment").minor("amount_money") ?? 0, -1),
  }
}

/** The store that sold it; one whose location is none of ours has the location's name. */
function storeOf(
  source: string,
  { sources, storeId, settings }: { sources: ReadOrder["sources"]; storeId: string; settings: ReceiptSettings },
): string {
  const location = own(sources, source)
  if (location === undefined || location === null) return storeId
  return own(settings.locations, location)?.storeId ?? cut(location, 64)
}

/** When it was sold. Square says no business day, and a receipt of before the first one here is not expected. */
function momentOf(text: string | null | undefined): { soldAt?: string } {
  const soldAt = typeof text === "string" ? parseInstant(text) : undefined
  return soldAt === undefined ? {} : { soldAt }
}

/** What Square says in sum: `total_money` of what was sold (none, or 0, for a return), `return_amounts` of what came back. */
function checkTotals(order: Spot, { sold, back }: { sold: Part; back: readonly Part[] }): void {
  const total = order.minor("total_money") ?? 0
  const sum = soldMinor(sold)
  if (sum !== total)
    order.fail(`is ${total} minor units, and lines, taxes, charges, tips and rounding come to ${sum}`, "total_money")
  const returned = order.child("return_amounts").minor("total_money") ?? 0
  const taken = -sumOf(back.map((part) => soldMinor(part)))
  if (taken !== returned)
    order.fail(`is ${returned} minor units, and what came back comes to ${taken}`, "return_amounts/total_money")
}

function tillIdOf(
  order: Spot,
  { tenders, money, settings }: { tenders: readonly Spot[]; money: Money; settings: ReceiptSettings },
): string {
  const otherwise = own(settings.locations, order.text("location_id") ?? "")?.tillId ?? tillDefault
  return tillOf(deviceOf(tenders, money), { tills: settings.tills, otherwise })
}

/** Goods came back when their order was created: it is closed with its refund, which may be later. */
function timesOf(
  order: Spot,
  { offline, isReturn }: { offline: string | undefined; isReturn: boolean },
): Pick<Receipt, "beganAt" | "endedAt"> {
  const [began, closed] = [instantOf(order, "created_at"), instantOf(order, "closed_at")]
  if (isReturn && began !== undefined) return { beganAt: began, endedAt: began }
  if (closed === undefined) order.fail("is missing: a completed order has the time when it was completed", "closed_at")
  const endedAt = offline ?? closed ?? began ?? instantOf(order, "updated_at") ?? ""
  return { ...(began === undefined ? {} : { beganAt: began }), endedAt }
}

function instantOf(order: Spot, field: string): string | undefined {
  const text = order.text(field)
  return text === undefined ? undefined : parseInstant(text)
}

/** When a payment was made that was taken offline: it reaches Square up to 72 hours later (SearchOrders, its description). */
function offlineOf(tenders: readonly Spot[], { payments }: Money): string | undefined {
  const made = tenders.flatMap((tender) => {
    const payment = payments.get(tender.text("payment_id") ?? "")
    if (!payment || fieldOf(payment.value, "is_offline_payment") !== true) return []
    return instantOf(payment.child("offline_payment_details"), "client_created_at") ?? []
  })
  return made.sort().at(-1)
}

function cashierOf(tenders: readonly Spot[], { payments }: Money): string | undefined {
  for (const tender of tenders) {
    const payment = payments.get(tender.text("payment_id") ?? "")
    const member = payment?.text("team_member_id") ?? payment?.text("employee_id")
    if (member !== undefined) return cut(member, 64)
  }
  return undefined
}

/** Read loosely, because it is told when other things cannot be read. */
function worthOf(order: unknown): number {
  const minor = (...path: string[]) => {
    const amount = fieldOf(order, ...path, "amount")
    return typeof amount === "number" && Number.isSafeInteger(amount) ? amount : 0
  }
  return minor("total_money") - minor("return_amounts", "total_money")
}
