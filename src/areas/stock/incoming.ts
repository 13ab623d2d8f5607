import { durationMs, instant } from "../../base/time.ts"
import { own } from "../../base/lookup.ts"
import { placesOf } from "../../estate/places.ts"
import type { Subscriber } from "../../eventlog/subscriber.ts"
import { Articles } from "../../stock/articles/articles.ts"
import { learnDemand } from "../../stock/demand/learn-demand.ts"
import { stockSubscriber } from "../../stock/incoming/book-stock.ts"
import { differenceEvents } from "../../stock/incoming/differences.ts"
import { readAbsolutes, type StockSource } from "../../stock/incoming/read-absolutes.ts"
import { noteNumbers } from "../../stock/incoming/streams.ts"
import { watchSilence } from "../../stock/incoming/silence.ts"
import { refusedMovement, refusingMadeOfParts } from "../../stock/parts/no-own-stock.ts"
import { promiseRule, type StockPolicyBlock } from "../../stock/policies.ts"
import { createStockLedger } from "../../stock/stock-ledger.ts"
import type { AreaParts, Service } from "../define-area.ts"

/** The estate's block of policies; the schema was checked at start. */
export function stockPolicies({ policyOf }: Pick<AreaParts, "policyOf">): StockPolicyBlock {
  return (policyOf("stock") as StockPolicyBlock | undefined) ?? {}
}

/** Books what other systems tell of stock, and tells people of counts that are far off. */
export function booking({ sql, clock, eventLog, policyOf }: AreaParts): Subscriber {
  const { sources = {}, tolerance } = stockPolicies({ policyOf })
  return stockSubscriber({
    ledger: refusingMadeOfParts(createStockLedger(sql), sql),
    articles: new Articles(sql),
    equations: sources,
    refused: ({ source }, of) => eventLog.append(refusedMovement({ source, ...of, at: instant(clock.now()) })),
    async after(events, booked) {
      await noteNumbers(sql, events)
      if (!tolerance) return
      const at = instant(clock.now())
      for (const [source, own] of Map.groupBy(booked, ({ event }) => event.source))
        await Promise.all(differenceEvents(own, { source, tolerance, at }).map((event) => eventLog.append(event)))
    },
  })
}

/** Reads absolutes of the connections that can be asked, when they are due and when movements have a gap. */
export function readingAbsolutes(parts: AreaParts): Service[] {
  const { sql, log, clock, eventLog } = parts
  const sources = stockSources(parts)
  return sources.length > 0 ? [readAbsolutes({ sql, log, clock, eventLog, articles: new Articles(sql), sources })] : []
}

/** The connections whose absolutes can be asked for, with their places. */
function stockSources({ estate, connections, readers, policyOf }: AreaParts): StockSource[] {
  const { sources = {} } = stockPolicies({ policyOf })
  return Object.keys(estate.connections).flatMap((id): StockSource[] => {
    const { connected, gate, timeoutMs } = connections.get(id)
    const { reportsStock } = connected
    const every = own(sources, id)?.readEvery
    if (!reportsStock) return []
    return [
      {
        connection: id,
        places: [...placesOf(estate, id)],
        everyMs: every && durationMs(every),
        read: (of) =>
          gate.pass("stock", () =>
            reportsStock.readStock(of, { signal: AbortSignal.timeout(timeoutMs), correlation: `stock:${id}` }),
          ),
        reader: readers.add({
          name: `stock of ${id}`,
          connection: id,
          what: `The reading of stock of ${id}`,
          meanwhile: "what it has is taken from its movements alone, and buffers grow",
          everyMs: every ? durationMs(every) : 0,
        }),
      },
    ]
  })
}

/** Learns from the ledger what sells where only the source sees it. */
export function learning({ sql, log, readers }: AreaParts): Service {
  const reader = readers.add({
    name: "demand that sources see",
    what: "The learning of what sells where only the source sees it",
    meanwhile: "buffers follow the demand that was known before",
    everyMs: 30_000,
  })
  return learnDemand({ sql, log, reader })
}

/** Tells people of places that are silent for longer than any channel's rule allows. */
export async function watchingSilence({
  sql,
  clock,
  eventLog,
  policyOf,
}: Pick<AreaParts, "sql" | "clock" | "eventLog" | "policyOf">) {
  const policies = stockPolicies({ policyOf })
  const rules = [undefined, ...Object.keys(policies.promises ?? {})].map((channel) => promiseRule(policies, channel))
  const limits = rules.flatMap(({ silentAfterMs }) => silentAfterMs ?? [])
  if (limits.length === 0) return
  const percents = [...new Set(rules.map(({ whileSilentPercent }) => whileSilentPercent))].sort((a, b) => a - b)
  const meanwhile = `channels may promise ${percents.map((one) => `${one} %`).join(" or ")} of what it last had, less a buffer that grows`
  await watchSilence({ sql, clock, eventLog, silentAfterMs: Math.min(...limits), meanwhile })
}
