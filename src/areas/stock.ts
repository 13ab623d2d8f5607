import { articleMappingRoutes, type ArticleMappings } from "../gateway/routes/stock/article-mappings.ts"
import { stockRoutes, type StockDesk } from "../gateway/routes/stock/stock.ts"
import { availabilityRoutes } from "../gateway/routes/stock/availability.ts"
import { locationRoutes, type Places } from "../gateway/routes/stock/locations.ts"
import { reservationRoutes } from "../gateway/routes/stock/reservations.ts"
import { stockMovementRoutes } from "../gateway/routes/stock/stock-movements.ts"
import { waitingArticles } from "../operations/exceptions/unknown-articles.ts"
import type { AnyBulkKind } from "../operations/bulk/kind.ts"
import { mapArticle } from "../operations/bulk/kinds/map-article.ts"
import { salesSubscriber } from "../stock/incoming/book-sales.ts"
import { Articles, causeOfUnknown } from "../stock/articles/articles.ts"
import { createAvailability, readStockCounts } from "../stock/availability.ts"
import { promiseRule, setStockPolicies, StockPolicyBlock } from "../stock/policies.ts"
import { heldBack } from "../stock/demand/held-back.ts"
import { readRegret } from "../stock/regret/read-regret.ts"
import { articleStock } from "../stock/views/article-stock.ts"
import { isOfChannel } from "../ports/statements.ts"
import { audited } from "../governance/audit.ts"
import { bookingRenamed, findingRenamed, renamedArticles } from "../stock/articles/renamed.ts"
import { refusingMadeOfParts } from "../stock/parts/no-own-stock.ts"
import { takeApart } from "../stock/parts/read-parts.ts"
import { createStockLedger, knownFacts } from "../stock/stock-ledger.ts"
import { heldLines } from "../stock/views/held.ts"
import { ledgerEntries } from "../stock/views/ledger-entries.ts"
import { OrderBook } from "../operations/order-book.ts"
import { workOf } from "../operations/places/work.ts"
import { forgetOldWaits, quietLookEveryMs, wakeWaiting } from "../stock/waits/waits.ts"
import { booking, learning, watchingSilence, readingAbsolutes, stockPolicies } from "./stock/incoming.ts"
import { defineArea, type AreaParts, type Service } from "./define-area.ts"
import { deskOf } from "./operations.ts"

const expiredAtOnceMax = 500
/** Lines of a place's work that are read: a store that has more has another trouble. */
const workMost = 500

/** Open cases that a mapping answers. Of a channel it is the channel's article that nobody knew; of another system, our SKU. */
function answeredBy({ channel, article, sku }: { channel: string; article: string; sku: string }) {
  return [
    { cause: "article is unknown", channels: [channel], sku: article },
    { cause: causeOfUnknown(channel), sku },
  ] as const
}

/** The mappings, and what follows from one: orders that wait for the article go on. */
function mappingsOf(parts: AreaParts): ArticleMappings {
  const articles = new Articles(parts.sql)
  const desk = deskOf(parts)
  return {
    list: (filter) => articles.list(filter),
    remove: (mapping) => articles.remove(mapping),
    async unknown(filter) {
      const { items, total } = await waitingArticles(parts.sql, filter)
      const looked: object[] = []
      // One after another: consoles read this again and again, and a long list at once would take every connection.
      for (const one of items) looked.push({ ...one, candidates: await articles.candidates(one.article, one.barcodes) })
      return { items: looked, total }
    },
    async set(mapping) {
      await articles.set(mapping)
      const { by, reason } = mapping
      const retry = { action: "retry", by, ...(reason && { reason }) }
      let count = 0
      for (const cases of answeredBy(mapping)) count += await desk.decideAll({ ...cases, state: "open" }, retry)
      return count
    },
  }
}

/** Places with what their people ask: what to send, what holds the stock, what was booked. */
function placesOf({ sql, clock, estate }: Pick<AreaParts, "sql" | "clock" | "estate">): Places {
  return {
    clock,
    all: estate.locations.map(({ id, kind, timeZone }) => ({ id, kind, timeZone })),
    ledger: refusingMadeOfParts(createStockLedger(sql), sql),
    held: (request) => heldLines(sql, request),
    entries: (of) => ledgerEntries(sql, of),
    async work({ locationId, channels }) {
      const { items, next } = await heldLines(sql, { locationId, limit: workMost, ...(channels ? { channels } : {}) })
      return { ...(await workOf(sql, items)), isComplete: next === undefined }
    },
  }
}

/** What may be promised, by the rules of the estate. */
export function availabilityOf({ sql, clock, policyOf }: Pick<AreaParts, "sql" | "clock" | "policyOf">) {
  const policies = stockPolicies({ policyOf })
  return createAvailability(sql, { clock, ruleOf: (channel) => promiseRule(policies, channel) })
}

/** Stock as people ask about it. */
function deskOfStock(parts: Pick<AreaParts, "sql" | "clock" | "policyOf" | "connections">): StockDesk {
  const { sql, clock } = parts
  const availability = availabilityOf(parts)
  const policies = stockPolicies(parts)
  const sells = parts.connections.all.filter(
    ({ connected: { receivesDeliveries } }) => receivesDeliveries && isOfChannel(receivesDeliveries),
  )
  const channels = sells.map(({ id }) => id)
  return {
    clock,
    article: (of) =>
      articleStock({ sql, availability }, { ...of, channels: of.channels.length > 0 ? of.channels : channels }),
    regret: (question) =>
      readRegret(sql, question, { ruleOf: (channel) => promiseRule(policies, channel), nowMs: clock.now() }),
    rebuild: (options, by) =>
      options.dryRun
        ? createStockLedger(sql).rebuild(options)
        : audited(sql, { by, action: "rebuild stock", subject: options.sku ?? "every SKU", detail: options }, () =>
            createStockLedger(sql).rebuild(options),
          ),
  }
}

function waking({ sql, log, clock, eventLog, readers }: AreaParts): Service {
  const reader = readers.add({
    name: "orders that wait for stock",
    what: "The watch over stock that comes in for orders that wait for it",
    meanwhile: "they look again only from time to time",
    everyMs: quietLookEveryMs,
  })
  return wakeWaiting({ sql, log, clock, eventLog, reader })
}

function renaming({ sql, eventLog }: AreaParts) {
  return renamedArticles({ sql, append: (event) => eventLog.append(event) })
}

/** Stock by location, and its reservations. */
export const stock = defineArea({
  name: "stock",
  policies: { schema: StockPolicyBlock, whenLeftOut: "defaults" },
  kpis: async ({ sql }) => ({ stock: await readStockCounts(sql) }),
  routes: ({ core, sql, reservations, ...parts }) => [
    ...articleMappingRoutes(mappingsOf({ ...parts, sql, reservations })),
    ...reservationRoutes(core, reservations, heldBack(availabilityOf({ ...parts, sql }), parts.clock)),
    ...stockRoutes(deskOfStock({ ...parts, sql })),
    ...availabilityRoutes(findingRenamed(availabilityOf({ ...parts, sql }), new Articles(sql))),
    ...stockMovementRoutes(bookingRenamed(refusingMadeOfParts(createStockLedger(sql), sql), new Articles(sql))),
    ...locationRoutes(placesOf({ ...parts, sql })),
  ],
  bulk: (parts) => [
    mapArticle({ desk: deskOf(parts), articles: new Articles(parts.sql), answers: answeredBy }) as AnyBulkKind,
  ],
  subscribers: (parts) => [
    booking(parts),
    salesSubscriber({
      ledger: createStockLedger(parts.sql),
      articles: new Articles(parts.sql),
      takeApart: async (sold) => (await takeApart(parts.sql, [sold]))[0] ?? { made: [], unknownUnits: [] },
      madeOf: (orderId) => new OrderBook(parts.sql).madeOf(orderId),
      known: (facts) => knownFacts(parts.sql, facts),
    }),
    renaming(parts),
  ],
  services: (parts, policies: StockPolicyBlock | undefined) => [
    { start: () => setStockPolicies(parts.sql, policies ?? {}) },
    waking(parts),
    ...readingAbsolutes(parts),
    learning(parts),
  ],
  /** Ends expired soft holds, and forgets who waited in vain. */
  async upkeep({ reservations, ...parts }) {
    await forgetOldWaits(parts.sql)
    await watchingSilence(parts)
    while ((await reservations.expireDue(expiredAtOnceMax)).length === expiredAtOnceMax);
  },
})
