import { instant } from "../../src/base/time.ts"
import { answerParent } from "./answer-parent.ts"
import { post, runLoad, type Prepared } from "./http-client.ts"

const holdMs = 15 * 60_000
const repeatEvery = 100

interface Reserve {
  url: string
  key: string
  sku: string
  connections: number
  seconds: number
  perSecond?: number
  /** False for a server that decides nothing and cannot recognise a repeat. */
  isDecided: boolean
}

interface Invoke {
  url: string
  path: string
  body: string
  expects: string
  connections: number
  seconds: number
}

let count = 0

/** One reservation a request, each with a key of its own; every hundredth asks again for what its connection was granted last. */
function reservations({ key, sku, isDecided }: Reserve, tally: { fresh: number }): (connection: number) => Prepared {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" }
  const expiresAt = instant(Date.now() + holdMs)
  const last = new Map<number, string>()
  const prepare = (name: string) => {
    const lines = [{ sku, milli: 1000 }]
    const body = { key: name, owner: name, channel: "shopify", kind: "soft", expiresAt, lines }
    return post("/v1/reservations", headers, JSON.stringify(body))
  }
  return (connection) => {
    count += 1
    const known = last.get(connection)
    if (isDecided && known !== undefined && count % repeatEvery === 0)
      return { bytes: prepare(known), expects: '"granted":true,"duplicate":true' }
    const name = `h${process.pid}-${count}`
    last.set(connection, name)
    tally.fresh += 1
    return { bytes: prepare(name), expects: '"granted":true,"duplicate":false' }
  }
}

answerParent({
  reserve: async (request: Reserve) => {
    const tally = { fresh: 0 }
    const { url, connections, seconds, perSecond } = request
    const result = await runLoad({
      url,
      connections,
      untilMs: seconds * 1000,
      next: reservations(request, tally),
      ...(perSecond === undefined ? {} : { perSecond }),
    })
    return { ...result, ...tally }
  },
  invoke: ({ url, path, body, expects, connections, seconds }: Invoke) => {
    const prepared = { bytes: post(path, { "content-type": "application/json" }, body), expects }
    return runLoad({ url, connections, untilMs: seconds * 1000, next: () => prepared })
  },
})
