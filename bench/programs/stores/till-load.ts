import { receiptOf } from "../../stores/receipts.ts"
import { answerParent } from "../answer-parent.ts"
import { post, runLoad } from "../http-client.ts"

// Tills of a store, each on a connection of its own: they send a receipt, wait until it is kept, and send the next.

interface Sell {
  url: string
  storeId: string
  /** Begins the ids of the tills. */
  tills: string
  connections: number
  seconds: number
}

const last = new Map<string, number>()

answerParent({
  sell: ({ url, storeId, tills, connections, seconds }: Sell) => {
    const now = new Date().toISOString()
    const businessDay = now.slice(0, 10)
    const next = (connection: number) => {
      const tillId = `${tills}${connection}`
      const sequence = (last.get(tillId) ?? 0) + 1
      last.set(tillId, sequence)
      const body = JSON.stringify(receiptOf({ storeId, tillId, sequence, businessDay }, now))
      const headers = { "content-type": "application/json" }
      return { bytes: post("/sales", headers, body), expects: '"outcome":"accepted"' }
    }
    return runLoad({ url, connections, untilMs: seconds * 1000, next })
  },
})
