import type { Availability, Books, RunFacts } from "./checks/books.ts"
import { vendors, type Stage } from "./stage.ts"

const pageSize = 500
const tracesMax = 40

interface EstateFile {
  stock: Books["openingStock"]
  skus: readonly { sku: string; kind: string; components?: readonly { sku: string; quantityMilli: number }[] }[]
}

/** Reads everything the checker needs: the vendors' books and our public API, nothing else. */
export async function readBooks(stage: Stage, run: RunFacts): Promise<Books> {
  const [estate, shop, erp, stripe, warehouse, mail] = (await Promise.all([
    stage.lab("estate", "estate"),
    stage.lab("shopify", "books"),
    stage.lab("sap-s4hana", "books"),
    stage.lab("stripe", "books"),
    stage.lab("warehouse", "books"),
    stage.lab("mail", "books"),
  ])) as [
    EstateFile,
    Record<string, never>,
    Record<string, never>,
    Record<string, never>,
    Record<string, never>,
    Record<string, never>,
  ]
  const orders = await pages<Books["orders"][number]>(stage, "/v1/orders")
  return {
    run,
    openingStock: estate.stock,
    kits: kitsOf(estate),
    shop: shop["orders"] ?? [],
    erpOrders: erp["orders"] ?? [],
    erpDeliveries: erp["deliveries"] ?? [],
    erpJournals: erp["journals"] ?? [],
    payments: stripe["paymentIntents"] ?? [],
    shipmentRequests: warehouse["shipmentRequests"] ?? [],
    shipments: warehouse["shipments"] ?? [],
    mails: mail["messages"] ?? [],
    orders,
    exceptions: await pages(stage, "/v1/exceptions"),
    effects: await pages(stage, "/v1/effects"),
    events: await pages(stage, "/v1/events"),
    availability: await readAvailability(stage, estate.stock),
    inboxRows: inboxRows(String(await stage.api("/metrics"))),
    duplicateReasons: await duplicateReasons(stage, orders),
    connections: ((await stage.api("/v1/connections")) as { items: Books["connections"] }).items,
    ...(await vendorReports(stage)),
  }
}

function kitsOf({ skus }: EstateFile): Books["kits"] {
  return Object.fromEntries(
    skus.flatMap(({ sku, components = [] }) => (components.length === 0 ? [] : [[sku, components]])),
  )
}

async function pages<Item>(stage: Stage, path: string): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  for (;;) {
    const at: string = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`
    const page = (await stage.api(`${path}?limit=${pageSize}${at}`)) as { items: Item[]; cursor?: string }
    items.push(...page.items)
    // The log's cursor is on every page; the others leave it out on the last.
    if (page.cursor === undefined || page.items.length === 0) return items
    cursor = page.cursor
  }
}

/** On hand and reserved of every SKU at every place that had stock. */
export async function readAvailability(
  stage: Stage,
  places: readonly { sku: string; locationId: string }[],
): Promise<Availability[]> {
  const answers: Availability[] = []
  for (let at = 0; at < places.length; at += 1000) {
    const items = places.slice(at, at + 1000).map(({ sku, locationId }) => ({ sku, locationId }))
    const answer = await stage.api("/v1/availability/query", { method: "POST", body: { items } })
    answers.push(...(answer as { items: Availability[] }).items)
  }
  return answers
}

function inboxRows(metrics: string): Books["inboxRows"] {
  return [...metrics.matchAll(/^crossdock_inbox_rows\{connection="([^"]*)",state="([^"]*)"\} (\d+)/gm)].map(
    ([, connection = "", state = "", count = "0"]) => ({ connection, state, count: Number(count) }),
  )
}

/** The dedupe report of some orders, with ids left out so that like reasons add up. */
async function duplicateReasons(stage: Stage, orders: Books["orders"]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  const step = Math.max(1, Math.floor(orders.length / tracesMax))
  for (let at = 0; at < orders.length; at += step) {
    const trace = (await stage.api(`/v1/orders/${orders[at]?.id}/trace`)) as {
      hops: { outcome?: string; detail?: string }[]
    }
    for (const { outcome, detail } of trace.hops) {
      if (outcome !== "duplicate") continue
      const reason = (detail ?? "no reason given").replaceAll(/\d+/g, "n")
      counts[reason] = (counts[reason] ?? 0) + 1
    }
  }
  return counts
}

async function vendorReports(stage: Stage): Promise<Pick<Books, "webhooks" | "faults">> {
  const webhooks: Record<string, Books["webhooks"][string]> = {}
  const faults: Record<string, Record<string, number>> = {}
  for (const vendor of vendors) {
    const report = (await stage.lab(vendor, "webhooks")) as Partial<Books["webhooks"][string]>
    if (report.sent !== undefined) webhooks[vendor] = report as Books["webhooks"][string]
    faults[vendor] = ((await stage.lab(vendor, "faults")) as { counts: Record<string, number> }).counts
  }
  return { webhooks, faults }
}
