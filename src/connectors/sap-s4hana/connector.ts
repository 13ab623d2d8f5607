import { createHttpClient } from "../../base/http.ts"
import { defineConnector } from "../../ports/connector.ts"
import { amendsOrders, booksOrders, cancelsOrders } from "./books-orders.ts"
import { checkConnection } from "./check/check-connection.ts"
import { createSapClient } from "./client.ts"
import { deliveryLinks } from "./links/delivery.ts"
import { journalEntryLinks } from "./links/journal-entry.ts"
import { salesOrderLinks } from "./links/sales-order.ts"
import { postsCredits, postsJournals } from "./posts-journals.ts"
import { recordsDeliveries } from "./records-deliveries.ts"
import { reportsStock } from "./reports-stock.ts"
import { SapSettings } from "./settings.ts"

const timeoutMs = 20_000

/** SAP S/4HANA over its released OData V2 services and the SOAP service for journal entries. */
export const sapS4hana = defineConnector({
  name: "sap-s4hana",
  apiVersion: "2402",
  apiDocs: "https://api.sap.com/api/API_SALES_ORDER_SRV",
  connection: SapSettings,
  // SAP publishes no limit in numbers. An on-premise system notices more parallel dialogs than this.
  rate: { concurrencyMax: 16 },
  timeoutMs,
  connect(settings, { connectionId, clock }) {
    const http = createHttpClient({
      baseUrl: settings.baseUrl,
      timeoutMs,
      ...(settings.allowPrivateNetwork !== undefined && { allowPrivateNetwork: settings.allowPrivateNetwork }),
    })
    const client = createSapClient({ http, user: settings.user, password: settings.password, clock })
    const options = { client, settings, system: connectionId }
    const isOurs = settings.invoicedBy === "journal entry"
    const entryLinks = isOurs ? { links: journalEntryLinks(options) } : {}
    return {
      booksOrders: { bookOrder: { ...booksOrders(options).bookOrder, links: salesOrderLinks(options) } },
      amendsOrders: amendsOrders(options),
      cancelsOrders: cancelsOrders(options),
      recordsDeliveries: {
        recordDelivery: { ...recordsDeliveries(options).recordDelivery, links: deliveryLinks(options) },
      },
      postsJournals: { postEntry: { ...postsJournals({ ...options, clock }).postEntry, ...entryLinks } },
      ...(isOurs && {
        postsCredits: { postCredit: { ...postsCredits({ ...options, clock }).postCredit, ...entryLinks } },
      }),
      reportsStock: reportsStock({ client, settings, clock }),
      async check() {
        const call = { signal: AbortSignal.timeout(timeoutMs), correlation: "check" }
        await checkConnection(call, options)
      },
      close: () => http.close(),
    }
  },
})
