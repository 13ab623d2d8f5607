import { money, moneyFromDecimal, subtractMoney } from "../../src/base/money.ts"
import { ref } from "../../src/canonical/refs.ts"
import { findingText } from "../../src/rules/tie-out/finding.ts"
import {
  findUnexpectedQuestions,
  findWrongEnds,
  isFewEnough,
  kindRows,
  type KindRow,
  type OrderOfKind,
} from "../../src/rules/tie-out/kinds.ts"
import type { Books, ShopOrder, TenderBook } from "../books/books.ts"
import { everyday } from "./changes.ts"
import { kinds, plain } from "./kinds.ts"
import { groupBy, sum, violationsOf, type Findings, type KnownOrder, type View } from "../checks/view.ts"

/** Of all orders, how many may need a person who does not expect to be asked. */
const unexpectedShareMax = 0.02

/** Shelves are sometimes empty. */
const shortages = ["stock is short", "location is short", "goods are nowhere"]
/**
 * Causes that any order may have here; what a parcel does on its way is none of them. The lab's shop charges its own country's tax
 * to some buyers abroad.
 */
const anyKind = [...shortages, "tax differs"]

/** Cash is rounded to five cents. */
const cashRoundingMinor = 2

/** Every order ends as its kind must, and few ask a person who does not expect it. */
export function checkKinds({ books, known }: View): Findings & { kinds: KindRow[]; unexpected: string[] } {
  const orders = ordersOfKinds(books, known)
  const ends = new Map(kinds.map(({ kind, right }) => [kind, right]))
  const wrong = findWrongEnds(orders, ends)
  const unexpected = findUnexpectedQuestions(orders, { ends, anyKind })
  const isTooMany = !isFewEnough(unexpected.length, orders.length, unexpectedShareMax)
  const odd = orders.filter(({ kind }) => kind !== plain.kind && !everyday.some((one) => one.kind === kind))
  return {
    unexpected: unexpected.map(findingText),
    kinds: kindRows(orders, { wrong, unexpected, kinds: kinds.map(({ kind }) => kind) }),
    violations: [...violationsOf("I-6", wrong), ...(isTooMany ? violationsOf("I-6", unexpected) : [])],
    rows: [
      {
        what: "orders ended as their kind must",
        ours: String(orders.length - wrong.length),
        theirs: `${orders.length}, ${odd.length} of them odd`,
        differences: wrong.length,
      },
      {
        what: "with a person who does not expect to be asked",
        ours: String(unexpected.length),
        theirs: `≤ ${unexpectedShareMax * 100} %`,
        differences: isTooMany ? unexpected.length : 0,
      },
    ],
  }
}

function ordersOfKinds(books: Books, known: readonly KnownOrder[]): OrderOfKind[] {
  const knownById = new Map(known.map((one) => [one.order.externalId, one]))
  const accounts = new Map(books.accounts.map((account) => [account.orderId, account]))
  const reasons = endReasons(books)
  return books.shop.flatMap((shop): OrderOfKind[] => {
    const kind = books.run.kinds[shop.id]
    if (kind === undefined) return []
    const one = knownById.get(String(shop.id))
    const { amount, currency_code: currency } = shop.current_total_price_set.presentment_money
    const tenders = accounts.get(one?.order.id ?? "")?.tenders ?? []
    const causes = one?.exceptions.map(({ cause }) => cause) ?? []
    return [
      {
        order: one?.ref ?? ref("document", "shop", "order", String(shop.id)),
        kind,
        state: one?.order.state ?? "unknown",
        causes,
        isEndedByOthers:
          causes.some((cause) => shortages.some((one) => cause.startsWith(one))) ||
          /fraud|out of stock/.test(reasons.get(one?.order.id ?? "") ?? ""),
        wantedMilli: wantedMilli(shop),
        leftMilli: sum((one?.shipments ?? []).flatMap(({ lines }) => lines.map(({ quantityMilli }) => quantityMilli))),
        value: subtractMoney(moneyFromDecimal(amount, currency), money(lostOf(shop, books), currency)),
        kept: money(sum(tenders.map(leftOf)), currency),
        roundingMinor: shop.transactions.some(({ gateway }) => gateway === "cash") ? cashRoundingMinor : 0,
      },
    ]
  })
}

/** Money of an order that the buyer's bank took back for good, according to the payment provider. */
function lostOf({ transactions }: ShopOrder, { disputes }: Books): number {
  const payments = new Set(transactions.map(({ payment_id }) => payment_id))
  return sum(disputes.flatMap((one) => (one.status === "lost" && payments.has(one.intentId) ? [one.amount] : [])))
}

/** The buyer's money that the merchant keeps: captured, less refunds, less what the bank took back. */
function leftOf({ taken, givenBack, disputed }: TenderBook): number {
  return taken.amountMinor - givenBack.amountMinor - (disputed?.amountMinor ?? 0)
}

/** Units sold that must leave a shelf, without those that the channel has removed since. */
function wantedMilli({ line_items }: ShopOrder): number {
  return sum(line_items.flatMap((line) => (line.requires_shipping ? [line.current_quantity * 1000] : [])))
}

/** Why each order ended, in the log's words. */
function endReasons({ events }: Books): ReadonlyMap<string, string> {
  const changes = groupBy(
    events.filter(({ type }) => type === "order.state-changed"),
    ({ key }) => key.replace(/^order\//, ""),
  )
  return new Map([...changes].map(([id, own]) => [id, own.map(({ data }) => String(data["reason"] ?? "")).join("; ")]))
}
