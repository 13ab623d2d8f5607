import type { FastifyInstance } from "fastify"
import { Type, type Static } from "typebox"
import type { Estate } from "../estate/estate.ts"
import type { VendorState } from "../books.ts"
import { bodyReader } from "../http-json/protocol.ts"
import type { Random } from "../random.ts"
import type { Simulator, SimulatorContext, VendorOptions } from "../simulator.ts"
import { startSimulator } from "../simulator.ts"
import { Till, type Article } from "./till.ts"

export type TillsOptions = VendorOptions & { estate: Estate }

const Trading = Type.Object({
  /** Where receipts go, and the key they go with. */
  gatewayUrl: Type.String(),
  /** Of the centre, or of the agent of the store. */
  path: Type.Optional(Type.String()),
  key: Type.String(),
  storeId: Type.String(),
  tills: Type.Integer({ minimum: 1, maximum: 20 }),
  /** 0: nothing is sold by itself. */
  everyMs: Type.Integer({ minimum: 0 }),
})
type Trading = Static<typeof Trading>

const readTrading = bodyReader(Trading)
const readSale = bodyReader(Type.Object({ count: Type.Integer({ minimum: 1, maximum: 10_000 }) }))
const readLine = bodyReader(Type.Object({ isOffline: Type.Boolean() }))
const readClose = bodyReader(Type.Object({ offMinor: Type.Optional(Type.Integer()) }))
const readSync = bodyReader(Type.Object({ twice: Type.Optional(Type.Boolean()) }))

const batchMax = 200
const taxPercents = { standard: 21, reduced: 9, zero: 0 }

/**
 * Tills of a store. They sell whether or not anybody listens: a receipt is in the journal first, and is sent when there is a line, again
 * and again until it was answered.
 */
export function startTills(options: TillsOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "tills",
    routes: (app, context) => addTills(app, context, options.estate),
  })
}

function addTills(app: FastifyInstance, context: SimulatorContext, estate: Estate): VendorState {
  const store = new Store(context.random("tills"), articlesOf(estate))
  app.post("/__lab/trading", (request) => store.trade(readTrading(request)))
  app.post("/__lab/sales", (request) => store.sell(readSale(request).count))
  app.post("/__lab/line", (request) => store.setLine(readLine(request).isOffline))
  app.post("/__lab/close", (request) => store.close(readClose(request).offMinor ?? 0))
  app.post("/__lab/sync", async (request) => {
    const { twice = false } = readSync(request)
    // Two tabs of a till that came back send the whole journal at the same time.
    await Promise.all(twice ? [store.sync(0), store.sync(0)] : [store.sync()])
    return store.unsent()
  })
  return {
    books: () => ({ receipts: store.tills.flatMap(({ journal }) => journal) }),
    reset: () => store.reset(),
    stop: async () => store.reset(),
  }
}

class Store {
  tills: Till[] = []
  readonly #random: Random
  readonly #articles: readonly Article[]
  readonly #sent = new Map<Till, number>()
  #trading: Trading | undefined
  #timer: NodeJS.Timeout | undefined
  #isOffline = false

  constructor(random: Random, articles: readonly Article[]) {
    this.#random = random
    this.#articles = articles
  }

  trade(trading: Trading): object {
    this.reset()
    this.#trading = trading
    const { storeId } = trading
    const epoch = Date.now().toString(36)
    this.tills = Array.from({ length: trading.tills }, (_, n) => new Till({ storeId, tillId: String(n + 1), epoch }))
    if (trading.everyMs > 0)
      this.#timer = setInterval(() => {
        this.sell(1)
        void this.sync()
      }, trading.everyMs)
    return { storeId: trading.storeId, tills: trading.tills }
  }

  sell(count: number): object {
    const at = new Date()
    for (let n = 0; n < count; n += 1) {
      const till = this.tills[this.#random.integer(0, this.tills.length - 1)]
      if (!till) break
      if (!till.isOpen) till.open(at, 20_000)
      const articles = Array.from({ length: this.#random.integer(1, 4) }, () => this.#random.pick(this.#articles))
      till.sell(at, articles, this.#random.chance(0.35) ? "cash" : "card")
    }
    return this.unsent()
  }

  close(offMinor: number): object {
    for (const till of this.tills) if (till.isOpen) till.close(new Date(), offMinor)
    return { tills: this.tills.map(({ tillId, journal }) => ({ tillId, lastSequence: journal.length })) }
  }

  setLine(isOffline: boolean): object {
    this.#isOffline = isOffline
    return { isOffline }
  }

  /** Sends what was not answered yet, or everything from a number on. What gets no answer is sent again. */
  async sync(from?: number): Promise<void> {
    if (this.#isOffline || !this.#trading) return
    const { gatewayUrl, path = "/v1/sales", key } = this.#trading
    for (const till of this.tills)
      for (let at = from ?? this.#sent.get(till) ?? 0; at < till.journal.length; at += batchMax) {
        const receipts = till.journal.slice(at, at + batchMax)
        const answer = await fetch(`${gatewayUrl}${path}`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
          body: JSON.stringify({ receipts }),
        }).catch(() => undefined)
        if (!answer?.ok) return
        this.#sent.set(till, Math.max(this.#sent.get(till) ?? 0, at + receipts.length))
      }
  }

  unsent(): { unsent: number } {
    return {
      unsent: this.tills.reduce((sum, till) => sum + till.journal.length - (this.#sent.get(till) ?? 0), 0),
    }
  }

  reset(): void {
    clearInterval(this.#timer)
    this.#trading = undefined
    this.tills = []
    this.#sent.clear()
  }
}

function articlesOf({ skus }: Estate): Article[] {
  return skus
    .filter(({ kind }) => kind === "plain")
    .map(({ sku, priceMinor, taxCode, unit }) => {
      const taxPercent = taxPercents[taxCode]
      return { sku, priceMinor, unit, taxPercent, taxCode: `NL-${taxPercent}` }
    })
}
