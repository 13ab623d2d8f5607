import { promisify } from "node:util"
import { zstdCompress } from "node:zlib"
import { createLog } from "../../src/base/log.ts"
import { openSession, openSql, type Sql } from "../../src/base/sql.ts"
import { instant, systemClock } from "../../src/base/time.ts"
import { EventLog } from "../../src/eventlog/event-log.ts"
import type { IncomingDelivery } from "../../src/eventlog/deliveries/stored-deliveries.ts"
import { Inbox } from "../../src/eventlog/inbox.ts"
import estate from "../estate.config.ts"
import { deliverySource, type ShopDelivery } from "../deliveries.ts"
import { sendCopy } from "../floors/copy.ts"
import { answerParent } from "./answer-parent.ts"

// The engine's own ingest without HTTP, and the floor: COPY of the rows that ingest would have written, into the same tables.

const batchSize = 500
const batchesUnderWay = 2
const repeatEvery = 100
const connectionsMax = 12
/** Deliveries whose bodies the floor compresses together, as the door does with those of one commit. */
const bodiesTogether = 200

type Tables = "inbox" | "inbox_bodies" | "event_facts" | "events"
type CopyTexts = Record<Tables, string>

let sql: Sql
let inbox: Inbox
let source: () => ShopDelivery
let deliveries: IncomingDelivery[] = []
let copyTexts: CopyTexts[] = []
let nextId = 1_000_000_000_000

const shop = connectShop()

function connectShop() {
  const { connector, settings } = estate.connections["shopify"] ?? {}
  if (!connector) throw new Error("the benchmark's estate has no shop")
  // The estate's own settings for this very connector.
  const connected = connector.connect(settings as never, {
    connectionId: "shopify",
    clock: systemClock,
    log: createLog("bench"),
  })
  const { receivesDeliveries } = connected
  if (!receivesDeliveries) throw new Error("the shop receives nothing")
  return receivesDeliveries
}

function incoming({ body, headers }: ShopDelivery): IncomingDelivery {
  return {
    connection: "shopify",
    via: "webhook",
    receivedAt: instant(Date.now()),
    headers,
    bytes: Buffer.from(body),
    deliveryId: headers["x-shopify-webhook-id"] ?? "",
    topic: headers["x-shopify-topic"] ?? "",
    correlation: headers["x-shopify-event-id"] ?? "",
  }
}

answerParent({
  connect: async ({ databaseUrl, firstOrderId }: { databaseUrl: string; firstOrderId: number }) => {
    sql = openSql(databaseUrl, { connectionsMax, name: "bench ingest" })
    source = await deliverySource(firstOrderId)
    inbox = new Inbox({
      sql,
      log: createLog("bench"),
      clock: systemClock,
      eventLog: new EventLog(sql),
      translate: (delivery) => shop.translate(delivery),
    })
    await sql`select 1`
  },

  prepare: ({ count }: { count: number }) => {
    deliveries = []
    while (deliveries.length < count) {
      const one = incoming(source())
      deliveries.push(one)
      if (deliveries.length % repeatEvery === 0) deliveries.push(one)
    }
    return Promise.resolve(deliveries.length)
  },

  /** Signature, translation, then inbox, facts and events in one transaction a batch. */
  run: async () => {
    const started = performance.now()
    let at = 0
    const lane = async () => {
      while (at < deliveries.length) {
        const batch = deliveries.slice(at, (at += batchSize))
        for (const delivery of batch) shop.verify(delivery, Date.now())
        await Promise.all(batch.map((delivery) => inbox.receive(delivery)))
      }
    }
    await Promise.all(Array.from({ length: batchesUnderWay }, lane))
    return deliveries.length / ((performance.now() - started) / 1000)
  },

  /** Renders the rows that ingest makes of so many new deliveries as COPY's text, in `parts` equal parts. */
  prepareCopy: async ({ count, parts }: { count: number; parts: number }) => {
    const perPart = Math.ceil(count / parts)
    copyTexts = []
    while (copyTexts.length < parts) copyTexts.push(await copyText(perPart))
    return perPart * parts
  },

  copy: async ({ count }: { count: number }) => {
    const started = performance.now()
    await Promise.all(
      copyTexts.map(async (text) => {
        const { sql: transaction } = await openSession(sql)
        await transaction`begin`
        await sendCopy(
          await transaction`copy inbox (id, connection, via, topic, delivery_id, received_at, correlation, bodies, starts_at,
            head_length, body_length, state, new_facts) from stdin`.writable(),
          text.inbox,
        )
        await sendCopy(await transaction`copy inbox_bodies (id, bytes) from stdin`.writable(), text.inbox_bodies)
        await sendCopy(await transaction`copy event_facts (fact_key, inbox_id) from stdin`.writable(), text.event_facts)
        await sendCopy(
          await transaction`copy events (type, fact, key, source, time, correlation, schemaversion, inbox_id, data)
            from stdin`.writable(),
          text.events,
        )
        await transaction`commit`
        await transaction.end()
      }),
    )
    return count / ((performance.now() - started) / 1000)
  },
})

/** The columns of a prepared event that the floor writes. */
interface EventRow {
  fact_key: string
  fact: string
  type: string
  key: string
  source: string
  time: string
  correlation: string
  schemaversion: number
  inbox_id: number
  data: object
}

async function copyText(count: number): Promise<CopyTexts> {
  const eventLog = new EventLog(sql)
  const text: CopyTexts = { inbox: "", inbox_bodies: "", event_facts: "", events: "" }
  let together: Buffer[] = []
  let [bodies, startsAt] = [nextId, 0]
  for (let made = 0; made < count; made += 1) {
    const delivery = incoming(source())
    const { receivedAt, deliveryId, topic, correlation, bytes } = delivery
    const { events } = shop.translate(delivery)
    const id = nextId
    nextId += 1
    const head = Buffer.from(JSON.stringify(delivery.headers))
    text.inbox += line(
      id,
      "shopify",
      "webhook",
      topic,
      deliveryId,
      receivedAt,
      correlation,
      bodies,
      startsAt,
      head.length,
      bytes.length,
      "translated",
      events.length,
    )
    together.push(head, Buffer.from(bytes))
    startsAt += head.length + bytes.length
    if (together.length === 2 * bodiesTogether || made === count - 1) {
      const packed = await promisify(zstdCompress)(Buffer.concat(together))
      text.inbox_bodies += line(bodies, `\\x${packed.toString("hex")}`)
      ;[together, bodies, startsAt] = [[], nextId, 0]
    }
    const prepared = eventLog.prepare(events.map((event) => ({ event, correlation, inboxId: id })))
    for (const row of prepared.events as EventRow[]) {
      text.event_facts += line(row.fact_key, id)
      text.events += line(
        row.type,
        row.fact,
        row.key,
        row.source,
        row.time,
        row.correlation,
        row.schemaversion,
        row.inbox_id,
        JSON.stringify(row.data),
      )
    }
  }
  return text
}

/** A row in COPY's text format (PostgreSQL 18, COPY, "Text Format"). */
function line(...cells: readonly (string | number)[]): string {
  return `${cells.map((cell) => String(cell).replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n").replaceAll("\r", "\\r")).join("\t")}\n`
}
