import { Type } from "typebox"
import { assertStoreEntryBalanced, type StoreEntry } from "../../canonical/sales/store-entry.ts"
import type { PostedEntry, PostsStoreDays } from "../../ports/capabilities/books.ts"
import { defineConnector } from "../../ports/connector.ts"
import { reference, type Call } from "../../ports/write.ts"
import { createHouseClient, houseTimeoutMs, HouseSettings, type HouseClient } from "../../protocols/house-http.ts"
import { entryRequest } from "./from-canonical.ts"
import { readEntry } from "./payloads.ts"

/** Books that speak docs/reference/http-json-systems.md, "Books of stores". */
export const booksHttp = defineConnector({
  name: "books-http",
  apiVersion: "2026-11",
  apiDocs: "docs/reference/http-json-systems.md#books-of-stores",
  connection: Type.Object(HouseSettings),
  // The protocol publishes no limit; the client slows down on 429.
  rate: { concurrencyMax: 8 },
  timeoutMs: houseTimeoutMs,
  connect(settings, { clock, connectionId }) {
    const client = createHouseClient(settings, clock)
    return {
      postsStoreDays: postsStoreDays(client, connectionId),
      check: async () => {
        const signal = AbortSignal.timeout(settings.timeoutMs ?? houseTimeoutMs)
        await client.send({
          method: "GET",
          path: "/store-entries/check",
          call: { signal, correlation: "check" },
          allow: [404],
        })
      },
      close: client.close,
    }
  },
})

function postsStoreDays(client: HouseClient, system: string): PostsStoreDays {
  const posted = (body: unknown): PostedEntry => {
    const { documentNumber } = readEntry(body)
    return { documentNumber, reference: reference(system, "store entry", documentNumber) }
  }
  return {
    postStoreDay: {
      // An entry's id is taken once, so a repeat need not wait for a late first attempt.
      settleMs: 0,
      async send({ entry }, call) {
        assertStoreEntryBalanced(entry)
        const { body } = await client.send({ method: "POST", path: "/store-entries", body: entryRequest(entry), call })
        return posted(body)
      },
      async probe({ entry }, call) {
        const found = await find(client, entry, call)
        return found.status === 404 ? undefined : posted(found.body)
      },
    },
  }
}

function find(client: HouseClient, { entryId }: StoreEntry, call: Omit<Call, "key">) {
  return client.send({ method: "GET", path: `/store-entries/${encodeURIComponent(entryId)}`, call, allow: [404] })
}
