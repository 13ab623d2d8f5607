import { skuOf } from "../../publishing/catalogue.ts"
import { answerParent } from "../answer-parent.ts"
import { post, runLoad, type LoadResult, type Prepared } from "../http-client.ts"

// Goods that come in: a movement a request at a rate, or very many at once.

interface Target {
  url: string
  key: string
  places: readonly string[]
  /** Articles of the catalogue that change, from the first. */
  skus: number
}

/** When a level was changed, and to how many pieces. */
export type Booked = readonly [sku: string, place: string, pieces: number, dueMs: number]

let facts = 0
const pieces = new Map<string, number>()

function receipt(sku: string, place: string): { movement: object; total: number } {
  facts += 1
  const total = (pieces.get(`${place}/${sku}`) ?? 0) + 1
  pieces.set(`${place}/${sku}`, total)
  const fact = `bench:publish:${process.pid}:${facts}`
  return { movement: { kind: "receipt", fact, sku, locationId: place, milli: 1000 }, total }
}

function request(key: string, movements: readonly object[]): Prepared {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" }
  return { bytes: post("/v1/stock-movements", headers, JSON.stringify({ movements })), expects: "HTTP/1.1 200" }
}

const among = <Item>(all: readonly Item[]) => all[Math.floor(Math.random() * all.length)]

answerParent({
  /** Changes of levels anywhere in the catalogue, open loop; a change's time counts from when it was due. */
  trickle: async ({ url, key, places, skus, perSecond, seconds }: Target & { perSecond: number; seconds: number }) => {
    const booked: Booked[] = []
    const startedMs = Date.now()
    const next = (): Prepared => {
      const [sku, place] = [skuOf(Math.floor(Math.random() * skus)), among(places) ?? ""]
      const { movement, total } = receipt(sku, place)
      booked.push([sku, place, total, startedMs + (booked.length / perSecond) * 1000])
      return request(key, [movement])
    }
    const load = await runLoad({ url, connections: 8, perSecond, untilMs: seconds * 1000, next })
    return { load, booked }
  },

  /** One change of so many levels, all different, as fast as they are taken. */
  burst: async ({ url, key, places, skus, levels }: Target & { levels: number }) => {
    const movements: object[] = []
    const step = Math.max(1, Math.floor((skus * places.length) / levels))
    for (let n = 0; n < levels; n += 1) {
      const at = n * step
      movements.push(receipt(skuOf(Math.floor(at / places.length)), places[at % places.length] ?? "").movement)
    }
    const requests = Array.from({ length: Math.ceil(levels / 1000) }, (_, n) =>
      request(key, movements.slice(n * 1000, (n + 1) * 1000)),
    ).values()
    const startedMs = Date.now()
    const load: LoadResult = await runLoad({ url, connections: 2, next: () => requests.next().value })
    return { load, startedMs }
  },

  /** The levels that the shop must show in the end: [sku, place, pieces]. */
  totals: async () =>
    [...pieces].map(([at, count]) => {
      const slash = at.indexOf("/")
      return [at.slice(slash + 1), at.slice(0, slash), count]
    }),
})
