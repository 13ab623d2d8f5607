import { groupBy, repeated, type Findings, type KnownOrder, type View, type Violation } from "./view.ts"

/** Every order sold is known once, in the books once, and at an end or with a person. */
export function checkOrders(view: View): Findings {
  const { books, known } = view
  const violations: Violation[] = []
  const byExternalId = groupBy(books.orders, ({ externalId }) => externalId)
  const lost = books.shop.filter(({ id }) => !byExternalId.has(String(id)))
  for (const { name } of lost) violations.push({ invariant: "I-1", what: `order ${name} was sold and is not known` })
  for (const externalId of repeated(books.orders.map((order) => order.externalId)))
    violations.push({ invariant: "I-2", what: `the shop's order ${externalId} is known twice` })
  const sold = new Set(books.shop.map(({ id }) => String(id)))
  for (const order of books.orders.filter(({ externalId }) => !sold.has(externalId)))
    violations.push({ invariant: "I-2", what: `order ${order.number} is known and was never sold` })
  const stuck = known.filter(({ isFinal, isWithPerson }) => !isFinal && !isWithPerson)
  for (const { order } of stuck)
    violations.push({
      invariant: "I-6",
      what: `order ${order.number} is "${order.state}": neither at an end nor with a person (${order.id})`,
    })
  const erp = checkErp(view)
  return {
    violations: [...violations, ...erp.violations],
    rows: [
      {
        what: "orders sold in the shop = orders known",
        ours: String(books.orders.length),
        theirs: String(books.shop.length),
        differences: lost.length + Math.abs(books.orders.length - books.shop.length + lost.length),
      },
      {
        what: "at an end, or with a person",
        ours: `${known.filter(({ isFinal }) => isFinal).length} + ${known.filter(({ isWithPerson }) => isWithPerson).length}`,
        theirs: String(books.shop.length),
        differences: stuck.length,
      },
      ...erp.rows,
    ],
  }
}

function checkErp({ books, known }: View): Findings {
  const violations: Violation[] = []
  const documents = groupBy(books.erpOrders, (document) => document.PurchaseOrderByCustomer)
  const ids = new Set(books.orders.map(({ id }) => id))
  let missing = 0
  let duplicates = 0
  let orphans = 0
  let alive = 0
  for (const [orderId, found] of documents) {
    if (found.length > 1) {
      duplicates += found.length - 1
      violations.push({ invariant: "I-3", what: `the ERP holds ${found.length} sales orders for ${orderId}` })
    }
    if (!ids.has(orderId)) {
      orphans += 1
      violations.push({ invariant: "I-3", what: `the ERP holds a sales order for ${orderId}, which nobody knows` })
    }
  }
  for (const one of known) {
    const [document] = documents.get(one.order.id) ?? []
    if (needsDocument(one) && !document) {
      missing += 1
      violations.push({ invariant: "I-1", what: `order ${one.order.number} is ${one.order.state} and not in the ERP` })
    }
    const isOver = one.order.state === "cancelled" || one.order.state === "refused"
    const isLive = document?.to_Item.some((item) => item.SalesDocumentRjcnReason === "") ?? false
    if (isOver && isLive && one.exceptions.length === 0 && one.shipments.length === 0) {
      alive += 1
      violations.push({
        invariant: "I-3",
        what: `order ${one.order.number} is ${one.order.state}, and its ERP order ${document?.SalesOrder} is still alive`,
      })
    }
  }
  return {
    violations,
    rows: [
      {
        what: `ERP sales orders: missing ${missing}, duplicates ${duplicates}, of nobody ${orphans}`,
        ours: String(known.filter((one) => documents.has(one.order.id)).length),
        theirs: String(books.erpOrders.length),
        differences: missing + duplicates + orphans,
      },
      {
        what: "taken back in the ERP when cancelled or refused",
        ours: String(known.filter(({ order }) => order.state === "cancelled" || order.state === "refused").length),
        theirs: `${alive} still alive`,
        differences: alive,
      },
    ],
  }
}

function needsDocument({ order }: KnownOrder): boolean {
  return ["in the books", "released", "partly shipped", "shipped", "closed"].includes(order.state)
}
