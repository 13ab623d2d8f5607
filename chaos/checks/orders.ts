import { moneyFromDecimal } from "../../src/base/money.ts"
import { ref } from "../../src/canonical/refs.ts"
import {
  findLiveDocuments,
  findMissingDocuments,
  findSurplusDocuments,
  type BookedDocument,
  type WantedDocument,
} from "../../src/rules/tie-out/documents.ts"
import {
  findLostOrders,
  findStuckOrders,
  findSurplusOrders,
  type KnownOrder as KnownToUs,
  type SoldOrder,
} from "../../src/rules/tie-out/orders.ts"
import { finalStates } from "../books/books.ts"
import { kinds } from "../stream/kinds.ts"
import { isCalledOff, violationsOf, type Findings, type KnownOrder, type View } from "./view.ts"

const channel = "shop"

/** Every order sold is known once, is in the books once, and has ended or is with a person. */
export function checkOrders(view: View): Findings {
  const { sold, known } = ordersOf(view)
  const lost = findLostOrders(sold, known)
  const surplus = findSurplusOrders(sold, known)
  const stuck = findStuckOrders(known)
  const erp = checkErp(view)
  return {
    violations: [
      ...violationsOf("I-1", lost),
      ...violationsOf("I-2", surplus),
      ...violationsOf("I-6", stuck),
      ...erp.violations,
    ],
    rows: [
      {
        what: "orders sold in the shop = orders known",
        ours: String(known.length),
        theirs: String(sold.length),
        differences: lost.length + surplus.length,
      },
      {
        what: "at an end, or with a person",
        ours: `${known.filter(({ isAtEnd }) => isAtEnd).length} + ${known.filter(({ isWithPerson }) => isWithPerson).length}`,
        theirs: String(sold.length),
        differences: stuck.length,
      },
      ...erp.rows,
    ],
  }
}

function ordersOf({ books, known }: View): { sold: SoldOrder[]; known: KnownToUs[] } {
  const withPerson = new Set(known.filter(({ isWithPerson }) => isWithPerson).map(({ order }) => order.id))
  return {
    sold: books.shop
      .filter((order) => !isNoOrder(books, order))
      .map(({ id, currency, total_price_set: { shop_money } }) => ({
        channel,
        externalId: String(id),
        total: moneyFromDecimal(shop_money.amount, currency),
      })),
    known: books.orders.map(({ id, externalId, state, total }) => ({
      channel,
      externalId,
      total,
      state,
      order: ref("order", id),
      isAtEnd: finalStates.has(state),
      isWithPerson: withPerson.has(id),
    })),
  }
}

/** A test order of the shop is none that anybody sold. */
function isNoOrder({ run }: View["books"], { id }: { id: number }): boolean {
  return kinds.some(({ kind, right }) => kind === run.kinds[id] && right.ends.every((state) => state === "unknown"))
}

function checkErp({ books, known }: View): Findings {
  const documents = books.erpOrders.map(({ SalesOrder, PurchaseOrderByCustomer, to_Item }): BookedDocument => ({
    system: "erp",
    type: "sales order",
    number: SalesOrder,
    order: ref("order", PurchaseOrderByCustomer),
    isAlive: to_Item.some((item) => item.SalesDocumentRjcnReason === ""),
  }))
  const byId = new Map(known.map((one) => [one.order.id, one]))
  const wanted = books.orders.map(({ id, total }): WantedDocument => {
    const one = byId.get(id)
    return { order: ref("order", id), total, wanted: one ? wantedOf(one) : "either" }
  })
  const missing = findMissingDocuments(documents, wanted)
  const surplus = findSurplusDocuments(documents, wanted)
  const alive = findLiveDocuments(documents, wanted)
  const booked = new Set(documents.map(({ order }) => order))
  return {
    violations: [...violationsOf("I-1", missing), ...violationsOf("I-3", surplus), ...violationsOf("I-3", alive)],
    rows: [
      {
        what: `ERP sales orders: missing ${missing.length}, more than once or of nobody ${surplus.length}`,
        ours: String(known.filter((one) => booked.has(one.ref)).length),
        theirs: String(documents.length),
        differences: missing.length + surplus.length,
      },
      {
        what: "taken back in the ERP when cancelled or refused",
        ours: String(known.filter(isCalledOff).length),
        theirs: `${alive.length} still alive`,
        differences: alive.length,
      },
    ],
  }
}

function wantedOf(one: KnownOrder): WantedDocument["wanted"] {
  if (["in the books", "released", "partly shipped", "shipped", "closed"].includes(one.order.state)) return "one"
  // Orders that shipped after all, and orders with an exception, may stay in the ERP.
  return isCalledOff(one) && one.exceptions.length === 0 && one.shipments.length === 0 ? "none alive" : "either"
}
