import { receiptOf } from "../../stores/receipts.ts"
import { answerParent } from "../answer-parent.ts"
import { post, runLoad, type Prepared } from "../http-client.ts"

// Tills of stores, each on a connection of its own: they send, wait until that is kept, and send the next.

interface Sell {
  url: string
  storeId: string
  /** Begins the ids of the tills. */
  tills: string
  connections: number
  seconds: number
}

interface Batches {
  path: string
  key: string
  /** The store of each connection's till, again from the first when there are fewer. */
  storeIds: string[]
  tills: string
  connections: number
  receipts: number
  batch: number
  businessDay: string
}

const last = new Map<string, number>()
let batches: Prepared[][] = []

/** The next receipt of a till, as JSON. */
function nextReceipt(of: { storeId: string; tillId: string; businessDay: string }, endedAt: string): string {
  const till = `${of.storeId}/${of.tillId}`
  const sequence = (last.get(till) ?? 0) + 1
  last.set(till, sequence)
  return JSON.stringify(receiptOf({ ...of, sequence }, endedAt))
}

answerParent({
  /** A receipt a request. */
  sell: ({ url, storeId, tills, connections, seconds }: Sell) => {
    const now = new Date().toISOString()
    const businessDay = now.slice(0, 10)
    const headers = { "content-type": "application/json" }
    const next = (connection: number) => {
      const body = nextReceipt({ storeId, tillId: `${tills}${connection}`, businessDay }, now)
      return { bytes: post("/sales", headers, body), expects: '"outcome":"accepted"' }
    }
    return runLoad({ url, connections, untilMs: seconds * 1000, next })
  },

  /** Writes batches of receipts, a receipt a line, for `send`. Returns how many receipts they have, and how many bytes. */
  prepare: ({ path, key, storeIds, tills, connections, receipts, batch, businessDay }: Batches) => {
    const endedAt = `${businessDay}T00:00:00.000Z`
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/x-ndjson" }
    batches = Array.from({ length: connections }, () => [])
    let [left, bytes] = [receipts, 0]
    for (let turn = 0; left > 0; turn += 1) {
      const connection = turn % connections
      const storeId = storeIds[connection % storeIds.length] ?? ""
      const count = Math.min(batch, left)
      const lines = Array.from({ length: count }, () =>
        nextReceipt({ storeId, tillId: `${tills}${connection}`, businessDay }, endedAt),
      )
      const body = lines.join("\n")
      bytes += body.length
      left -= count
      batches[connection]?.push({ bytes: post(path, headers, body), expects: '"outcome":"accepted"' })
    }
    return Promise.resolve({ receipts, bytes })
  },

  send: async ({ url }: { url: string }) => {
    const queues = batches.map((queue) => queue.values())
    return await runLoad({ url, connections: queues.length, next: (connection) => queues[connection]?.next().value })
  },

  /** The last number of each till, for whoever closes a day. */
  lastNumbers: () => Promise.resolve([...last]),
})
