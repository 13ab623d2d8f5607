import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { demoEstate } from "../../demo/estate.ts"
import type { Random } from "../../lab/random.ts"
import { asAppError, AppError } from "../../src/base/errors.ts"
import { createLog } from "../../src/base/log.ts"
import { systemClock } from "../../src/base/time.ts"
import type { Connected } from "../../src/ports/connector.ts"
import type { Delivery } from "../../src/ports/capabilities/intake.ts"
import type { Answers } from "../answers.ts"
import { jsonOf, spoil, spoilBytes } from "../spoil.ts"
import type { Stage } from "../stage.ts"

/** One thing that a connection reads from its system. */
interface Reading {
  name: string
  read(signal: AbortSignal): Promise<Delivery[]>
  translate(delivery: Delivery): unknown
}

/** Readers of other systems behind a proxy that spoils what these answer. */
export class ReaderAttack {
  readonly #answers: Answers
  readonly #readings: Reading[]
  readonly #proxies: SpoilingProxy[]

  private constructor(answers: Answers, made: { readings: Reading[]; proxies: SpoilingProxy[] }) {
    this.#answers = answers
    this.#readings = made.readings
    this.#proxies = made.proxies
  }

  static async open(stage: Stage, answers: Answers): Promise<ReaderAttack> {
    const { lab } = stage
    const proxies: SpoilingProxy[] = []
    const behind = async (url: string) => {
      const proxy = await SpoilingProxy.open(url)
      proxies.push(proxy)
      return proxy.url
    }
    const addresses = {
      shopify: await behind(lab.shopify.url),
      sap: await behind(lab.sap.url),
      stripe: await behind(lab.stripe.url),
      warehouse: await behind(lab.warehouse.url),
      tax: await behind(lab.tax.url),
      fraud: await behind(lab.fraud.url),
      smtp: lab.mail.smtpUrl,
    }
    const orders = await stage.sql<{ externalId: string }[]>`
      select external_id as "externalId" from objects where kind = 'order' and channel = 'shopify' limit 5`
    const readings = Object.entries(demoEstate(addresses, lab.estate.locations).connections).flatMap(
      ([id, { connector, settings }]) =>
        readingsOf(
          id,
          connector.connect(settings as never, {
            connectionId: id,
            clock: systemClock,
            log: createLog("fuzz", "silent"),
          }),
          orders.map(({ externalId }) => externalId),
        ),
    )
    return new ReaderAttack(answers, { readings, proxies })
  }

  async attack(random: Random): Promise<void> {
    for (const proxy of this.#proxies) proxy.random = random
    const reading = random.pick(this.#readings)
    const startedAt = Date.now()
    try {
      const deliveries = await reading.read(AbortSignal.timeout(10_000))
      for (const delivery of deliveries) reading.translate(delivery)
      this.#answers.count(reading.name, "read")
    } catch (thrown) {
      this.#note(reading, thrown)
    }
    const tookMs = Date.now() - startedAt
    if (tookMs > 5000) this.#found(reading, { what: "a reader that took long", answer: `${tookMs} ms` })
  }

  async close(): Promise<void> {
    for (const proxy of this.#proxies) await proxy.close()
  }

  /** A reader may refuse what it cannot read, by an error that says what and where. */
  #note(reading: Reading, thrown: unknown): void {
    const { code, message, problems } = asAppError(thrown)
    this.#answers.count(reading.name, code)
    const answer = `${code}: ${message} ${JSON.stringify(problems).slice(0, 500)}`
    if (!(thrown instanceof AppError)) {
      const at = thrown instanceof Error ? (thrown.stack ?? "") : ""
      this.#answers.serverErrors += 1
      return this.#found(reading, { what: `a reader that threw ${String(thrown).slice(0, 80)}`, answer: at })
    }
    if (code === "INVARIANT_BROKEN") {
      this.#answers.serverErrors += 1
      return this.#found(reading, { what: "a defect", answer })
    }
    // A check reads no delivery that is kept, so there is nothing to point into.
    const isUnplaced =
      reading.name.startsWith("read ") &&
      ["TRANSLATION_FAILED", "VENDOR_VALUE_UNKNOWN"].includes(code) &&
      problems.length === 0
    if (!isUnplaced) return
    this.#answers.unclear += 1
    this.#found(reading, { what: "a reader's error that names no place", answer })
  }

  #found({ name }: Reading, { what, answer }: { what: string; answer: string }): void {
    const input = this.#proxies
      .map((proxy) => proxy.last)
      .join("")
      .slice(0, 1500)
    this.#answers.found({ attack: name, what, input, answer })
  }
}

function readingsOf(id: string, connected: Connected, orders: readonly string[]): Reading[] {
  const { listsChanges = {}, readsObjects, receivesDeliveries, check } = connected
  const translate = (delivery: Delivery) => receivesDeliveries?.translate(delivery)
  const lists = Object.entries(listsChanges).map(([list, changes]): Reading => ({
    name: `read ${id} ${list}`,
    translate,
    read: async (signal) => {
      const { deliveries } = await changes.listChanges(
        { cursor: undefined, sinceMs: Date.now() - 3_600_000 },
        { signal, correlation: "fuzz" },
      )
      return deliveries
    },
  }))
  const objects = (readsObjects ? orders : []).map((order): Reading => ({
    name: `read ${id} order`,
    translate,
    read: async (signal) => {
      const delivery = await readsObjects?.fetchObject({ type: "order", id: order }, { signal, correlation: "fuzz" })
      return delivery ? [delivery] : []
    },
  }))
  const checked: Reading = {
    name: `check ${id}`,
    translate,
    read: async () => {
      await check()
      return []
    },
  }
  return [...lists, ...objects, checked]
}

/** Passes requests on, and answers with something like what came back. */
class SpoilingProxy {
  random: Random | undefined
  /** The last answer it gave. */
  last = ""
  readonly #target: string
  readonly #server: Server

  private constructor(target: string) {
    this.#target = target
    this.#server = createServer((request, response) => {
      void this.#pass(request, response).catch(() => response.destroy())
    })
  }

  static async open(target: string): Promise<SpoilingProxy> {
    const proxy = new SpoilingProxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve))
    return proxy
  }

  get url(): string {
    // A TCP server's address is an object, never the name of a pipe.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { host: _, connection: __, "content-length": ___, ...headers } = request.headers
    const answer = await fetch(this.#target + (request.url ?? ""), {
      method: request.method ?? "GET",
      headers: headers as Record<string, string>,
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    })
    const text = await answer.text()
    const body = this.#spoilt(text)
    this.last = body.toString()
    const status = this.random?.chance(0.03)
      ? this.random.pick([204, 301, 400, 401, 404, 429, 500, 599])
      : answer.status
    const kept = Object.fromEntries(
      [...answer.headers].filter(
        ([name]) => !["content-length", "content-encoding", "transfer-encoding"].includes(name),
      ),
    )
    if (this.random?.chance(0.02)) kept["retry-after"] = "99999999999"
    response.writeHead(status, kept)
    response.end(status === 204 || status === 304 ? undefined : body)
  }

  #spoilt(text: string): Buffer {
    const { random } = this
    if (!random || random.chance(0.1)) return Buffer.from(text)
    if (random.chance(0.15)) return spoilBytes(random, text)
    try {
      return Buffer.from(jsonOf(spoil(random, JSON.parse(text))) ?? "{}")
    } catch {
      return spoilBytes(random, text)
    }
  }
}
