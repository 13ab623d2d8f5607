import type { Availability, Books, RunFacts } from "./books.ts"
import { pages } from "./pages.ts"
import { readChannel, readStates } from "./read-channel.ts"
import { vendors, type Stage } from "../stage.ts"

interface EstateFile {
  stock: Books["openingStock"]
  skus: readonly { sku: string; kind: string; components?: readonly { sku: string; quantityMilli: number }[] }[]
}

/** Reads everything the checker needs: the vendors' books and our public API only. */
export async function readBooks(
  stage: Stage,
  run: RunFacts,
  people: Pick<Books, "moved" | "transfers"> & Pick<Books["channel"], "sightings">,
): Promise<Books> {
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
  const orders: Books["orders"][number][] = await pages(stage, "/v1/orders")
  const metrics = String(await stage.api("/metrics"))
  const { moved, transfers, sightings } = people
  return {
    run,
    moved,
    transfers,
    inStates: await readStates(
      stage,
      [...moved, ...transfers].map(({ sku }) => sku),
    ),
    channel: { ...(await readChannel(stage, shop)), sightings },
    openingStock: estate.stock,
    kits: kitsOf(estate),
    shop: shop["orders"] ?? [],
    erpOrders: erp["orders"] ?? [],
    erpDeliveries: erp["deliveries"] ?? [],
    erpJournals: erp["journals"] ?? [],
    payments: stripe["paymentIntents"] ?? [],
    disputes: stripe["disputes"] ?? [],
    shipmentRequests: warehouse["shipmentRequests"] ?? [],
    shipments: warehouse["shipments"] ?? [],
    milestones: warehouse["milestones"] ?? [],
    mails: mail["messages"] ?? [],
    orders,
    accounts: await readAccounts(stage, orders),
    exceptions: await pages(stage, "/v1/exceptions"),
    effects: await pages(stage, "/v1/effects"),
    events: await pages(stage, "/v1/events"),
    availability: await readAvailability(stage, estate.stock),
    inboxRows: inboxRows(metrics),
    duplicateReasons: duplicateReasons(metrics),
    connections: ((await stage.api("/v1/connections")) as { items: Books["connections"] }).items,
    ...(await vendorReports(stage)),
  }
}

const accountsAtOnce = 16

/** The account of every order; each is made anew from the log first, which says whether it was different. */
async function readAccounts(stage: Stage, orders: Books["orders"]): Promise<Books["accounts"][number][]> {
  const accounts: Books["accounts"][number][] = []
  for (let at = 0; at < orders.length; at += accountsAtOnce) {
    const read = orders.slice(at, at + accountsAtOnce).map(async ({ id }) => {
      const path = `/v1/orders/${id}/account`
      const { isChanged } = (await stage.api(`${path}/rebuild`, { method: "POST", body: {} })) as { isChanged: boolean }
      return { ...((await stage.api(path)) as Omit<Books["accounts"][number], "isChanged">), isChanged }
    })
    accounts.push(...(await Promise.all(read)))
  }
  return accounts
}

function kitsOf({ skus }: EstateFile): Books["kits"] {
  return Object.fromEntries(
    skus.flatMap(({ sku, components = [] }) => (components.length === 0 ? [] : [[sku, components]])),
  )
}

/** On hand and reserved of every SKU at every place that had stock. */
async function readAvailability(
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

function duplicateReasons(metrics: string): Books["duplicateReasons"] {
  const counts: Record<string, number> = {}
  for (const [, reason = "", count = "0"] of metrics.matchAll(
    /^crossdock_duplicates_stopped\{connection="[^"]*",reason="([^"]*)"\} (\d+)/gm,
  ))
    counts[reason] = (counts[reason] ?? 0) + Number(count)
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
