import { setTimeout as sleep } from "node:timers/promises"
import type postgres from "postgres"
import { createLog } from "../../src/base/log.ts"
import { openSql, type Sql } from "../../src/base/sql.ts"
import { instant, systemClock } from "../../src/base/time.ts"
import { appendRow, EventLog } from "../../src/eventlog/event-log.ts"
import { Inbox, type IncomingDelivery } from "../../src/eventlog/inbox.ts"
import { Translator } from "../../src/eventlog/translator.ts"
import estate from "../estate.config.ts"
import { deliverySource, type ShopDelivery } from "../deliveries.ts"
import { answerParent } from "./answer-parent.ts"

// The engine's own ingest without HTTP, the translating half alone for deliveries that came over HTTP, and the floor: COPY of
// the rows that ingest would have written, into the same tables.

const batchSize = 500
const batchesUnderWay = 2
const repeatEvery = 100
const connectionsMax = 12

let sql: Sql
let source: () => ShopDelivery
let deliveries: IncomingDelivery[] = []
let copyTexts: { inbox: string; facts: string; events: string }[] = []
let makeTranslator: () => { translator: Translator; inbox: Inbox }

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

/** Lets a translator run while deliveries come in, until every one has its verdict. */
async function whileTranslating(receiveAll: (inbox: Inbox) => Promise<void>): Promise<void> {
  const { inbox, translator } = makeTranslator()
  translator.start()
  await receiveAll(inbox)
  for (let isWaiting = true; isWaiting; await sleep(2)) {
    const [row] = await sql<
      { waiting: boolean }[]
    >`select exists(select from inbox where state = 'received') as waiting`
    isWaiting = row?.waiting ?? true
  }
  await translator.stop()
}

async function untilReceived(count: number, after: number): Promise<void> {
  for (;;) {
    const [row] = await sql<{ received: number }[]>`select count(*) as received from inbox where id > ${after}`
    if ((row?.received ?? 0) >= count) return
    await sleep(20)
  }
}

answerParent({
  connect: async ({ databaseUrl, firstOrderId }: { databaseUrl: string; firstOrderId: number }) => {
    sql = openSql(databaseUrl, { connectionsMax, name: "bench ingest" })
    source = await deliverySource(firstOrderId)
    makeTranslator = () => {
      const inbox = new Inbox(sql)
      const eventLog = new EventLog(sql)
      const log = createLog("bench")
      const translate = (delivery: Parameters<typeof shop.translate>[0]) => shop.translate(delivery)
      return { inbox, translator: new Translator({ sql, log, clock: systemClock, inbox, eventLog, translate }) }
    }
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

  /** Signature, inbox in batches, translation, facts and events: until every delivery has its verdict. */
  run: async () => {
    const started = performance.now()
    await whileTranslating(async (inbox) => {
      let at = 0
      const lane = async () => {
        while (at < deliveries.length) {
          const batch = deliveries.slice(at, (at += batchSize))
          for (const delivery of batch) shop.verify(delivery, Date.now())
          await Promise.all(batch.map((delivery) => inbox.receive(delivery)))
        }
      }
      await Promise.all(Array.from({ length: batchesUnderWay }, lane))
    })
    return deliveries.length / ((performance.now() - started) / 1000)
  },

  /** Translates what others put into the inbox after this row; answers when it was done, on the machine's clock. */
  translate: async ({ count, after }: { count: number; after: number }) => {
    await whileTranslating(() => untilReceived(count, after))
    return Date.now()
  },

  /** Renders the rows that ingest makes of so many new deliveries as COPY's text, in `parts` equal parts. */
  prepareCopy: ({ count, parts }: { count: number; parts: number }) => {
    const perPart = Math.ceil(count / parts)
    copyTexts = Array.from({ length: parts }, () => copyText(perPart))
    return Promise.resolve(perPart * parts)
  },

  copy: async ({ count }: { count: number }) => {
    const started = performance.now()
    await Promise.all(
      copyTexts.map((text) =>
        sql.begin(async (transaction) => {
          await send(
            await transaction`copy inbox (connection, via, topic, delivery_id, received_at, headers, bytes, correlation, state,
              new_facts, attempts, translated_at) from stdin`.writable(),
            text.inbox,
          )
          await send(await transaction`copy event_facts (fact_key, inbox_id) from stdin`.writable(), text.facts)
          await send(
            await transaction`copy events (type, fact, key, source, time, correlation, schemaversion, inbox_id, data)
              from stdin`.writable(),
            text.events,
          )
        }),
      ),
    )
    return count / ((performance.now() - started) / 1000)
  },
})

const pieceSize = 64 * 1024

/** Sends COPY's text and waits until the server has taken it. */
function send(writable: Awaited<ReturnType<postgres.PendingQuery<never[]>["writable"]>>, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    writable.once("error", reject)
    writable.once("finish", () => resolve())
    const buffer = Buffer.from(text)
    let at = 0
    const write = () => {
      while (at < buffer.length)
        if (!writable.write(buffer.subarray(at, (at += pieceSize)))) return void writable.once("drain", write)
      writable.end()
    }
    write()
  })
}

function copyText(count: number): { inbox: string; facts: string; events: string } {
  const rows = { inbox: [] as string[], facts: [] as string[], events: [] as string[] }
  for (let made = 0; made < count; made += 1) {
    const delivery = incoming(source())
    const { receivedAt, deliveryId, topic, correlation } = delivery
    const { events } = shop.translate(delivery)
    const hex = `\\x${Buffer.from(delivery.bytes).toString("hex")}`
    rows.inbox.push(
      line(
        "shopify",
        "webhook",
        topic,
        deliveryId,
        receivedAt,
        JSON.stringify(delivery.headers),
        hex,
        correlation,
        "translated",
        String(events.length),
        "1",
        receivedAt,
      ),
    )
    for (const event of events) {
      const row = appendRow(event, 0, { correlation })
      rows.facts.push(line(row.fact_key, String(made)))
      rows.events.push(
        line(
          row.type,
          row.fact,
          row.key,
          row.source,
          row.time,
          row.correlation,
          String(row.schemaversion),
          String(made),
          JSON.stringify(row.data),
        ),
      )
    }
  }
  return { inbox: rows.inbox.join(""), facts: rows.facts.join(""), events: rows.events.join("") }
}

/** A row in COPY's text format (PostgreSQL 18, COPY, "Text Format"). */
function line(...cells: readonly string[]): string {
  return `${cells.map((cell) => cell.replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n").replaceAll("\r", "\\r")).join("\t")}\n`
}
