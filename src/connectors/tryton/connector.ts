import { createHttpClient } from "../../base/http.ts"
import { defineConnector } from "../../ports/connector.ts"
import { amendsOrders } from "./amends-orders.ts"
import { booksOrders, cancelsOrders } from "./books-orders.ts"
import { listsProducts } from "./catalogue/lists-products.ts"
import { readPriceLists } from "./catalogue/prices.ts"
import { createTrytonClient } from "./client.ts"
import { postsJournals } from "./posts-journals.ts"
import { recordsDeliveries } from "./records-deliveries.ts"
import { receivesDeliveries } from "./receives-deliveries.ts"
import { invoiceLinks } from "./links/invoice.ts"
import { saleLinks } from "./links/sale.ts"
import { shipmentLinks } from "./links/shipment.ts"
import { TrytonSettings } from "./settings.ts"
import { listsMoves } from "./stock/lists-moves.ts"
import { reportsStock } from "./stock/reports-stock.ts"

const timeoutMs = 30_000

/** Tryton 6.0 as the books, over its JSON-RPC: sales, shipments and invoices, and the stock, products and prices it keeps. */
export const tryton = defineConnector({
  name: "tryton",
  apiVersion: "6.0",
  apiDocs: "https://docs.tryton.org/projects/server/en/6.0/topics/configuration.html",
  connection: TrytonSettings,
  // No limit is published. Three pre-forked processes confirmed 6.8 to 7 sales a second for four clients and no more for twenty.
  rate: { concurrencyMax: 4 },
  timeoutMs,
  connect(settings, { connectionId, clock }) {
    const http = createHttpClient({
      baseUrl: settings.baseUrl,
      timeoutMs,
      // uwsgi closes kept connections unannounced, on 1 to 2 % of calls, also after it had begun to work (seen).
      keepAlive: false,
      ...(settings.allowPrivateNetwork === undefined ? {} : { allowPrivateNetwork: settings.allowPrivateNetwork }),
    })
    const client = createTrytonClient({ http, ...settings })
    const options = { client, settings, system: connectionId }
    const { stock, catalogue } = settings
    const lists = {
      ...(stock && { moves: listsMoves({ ...options, clock }) }),
      ...(catalogue && { products: listsProducts({ ...options, clock, catalogue }) }),
    }
    return {
      booksOrders: { bookOrder: { ...booksOrders(options).bookOrder, links: saleLinks(options) } },
      amendsOrders: amendsOrders(options),
      cancelsOrders: cancelsOrders(options),
      recordsDeliveries: {
        recordDelivery: { ...recordsDeliveries(options).recordDelivery, links: shipmentLinks(options) },
      },
      postsJournals: { postEntry: { ...postsJournals({ ...options, clock }).postEntry, links: invoiceLinks(options) } },
      ...(stock && { reportsStock: reportsStock({ ...options, clock }) }),
      ...((stock ?? catalogue) && { listsChanges: lists, receivesDeliveries: receivesDeliveries(options) }),
      async check() {
        const call = { signal: AbortSignal.timeout(timeoutMs), correlation: "check" }
        await client.read("model.sale.sale.search_count", [[["id", "=", 0]]], call)
        if (catalogue) await readPriceLists(call, { ...options, clock, catalogue })
      },
      close: () => http.close(),
    }
  },
})
