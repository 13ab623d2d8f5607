import { storage, type Sql, type SqlTransaction } from "../base/sql.ts"
import { scopeText } from "../canonical/catalogue/scope.ts"
import type { EventData, EventName, NewEvent } from "../canonical/events.ts"
import type { KeepingSubscriber } from "../eventlog/subscriber.ts"

type Noted = Pick<NewEvent, "type" | "data" | "fact" | "source">

const readerName = "catalogue"

/** Derives products, prices, promotions and held changes from the log. `follow` hears of the same events in the same transaction. */
export function catalogueReader(
  follow: (tx: SqlTransaction, events: readonly Noted[]) => Promise<void> = async () => undefined,
): KeepingSubscriber {
  return {
    name: readerName,
    types: [
      "product.reported",
      "product.changed",
      "product.renamed",
      "price.changed",
      "price.shown",
      "promotion.changed",
      "change.held",
      "exception.decided",
    ],
    async keep(tx, events) {
      await keepCatalogue(tx, events)
      await follow(tx, events)
    },
  }
}

/** Has the catalogue derived from the log anew; what the log no longer holds stays as it is (I-10). */
export async function rebuildCatalogue(sql: Sql): Promise<void> {
  await storage(() => sql`select rebuild_catalogue(${readerName})`)
}

/** Notes what events say; repeated, it changes nothing. */
export async function keepCatalogue(tx: SqlTransaction, events: readonly Noted[]): Promise<void> {
  // Numbered in their order: of two rows of one moment the later one counts.
  const rows = <Name extends EventName>(type: Name, row: (data: EventData<Name>) => object[]) =>
    events
      .flatMap((event) =>
        event.type === type ? row(event.data as EventData<Name>).map((one) => ({ fact: event.fact, ...one })) : [],
      )
      .map((one, n) => ({ n, ...one }))
  const changed = rows("product.changed", changedRows)
  const recorded = events.flatMap(({ type, source, data }) =>
    type === "product.reported" ? recordRows(source, data) : [],
  )
  const renamed = rows("product.renamed", ({ productId, to, at }) => [{ product_id: productId, new_sku: to, at }])
  const prices = rows("price.changed", priceRows)
  const shown = rows("price.shown", shownRows)
  const promotions = rows("promotion.changed", promotionRows)
  const held = rows("change.held", ({ exceptionId, sku, change, by, rule, why, at }) => [
    { exception_id: exceptionId, sku, change, said_by: by, rule, why, at },
  ])
  const decided = rows("exception.decided", ({ exceptionId, action, decidedBy, at }) =>
    exceptionId.startsWith("held_") ? [{ exception_id: exceptionId, decided: action, decided_by: decidedBy, at }] : [],
  )
  if (recorded.length > 0) await tx`select note_product_records(${text(recorded)}::text::json)`
  if (changed.length + renamed.length > 0)
    await tx`select note_products(${text(changed)}::text::json, ${text(renamed)}::text::json)`
  if (prices.length + shown.length > 0)
    await tx`select note_prices(${text(prices)}::text::json, ${text(shown)}::text::json)`
  if (promotions.length > 0) await tx`select note_promotions(${text(promotions)}::text::json)`
  if (held.length + decided.length > 0)
    await tx`select note_held(${text(held)}::text::json, ${text(decided)}::text::json)`
}

const text = (rows: readonly object[]) => JSON.stringify(rows)

type Accepted = Pick<EventData<"product.changed">, "by" | "rule" | "policy" | "override" | "at">

const accepted = ({ by, rule, policy, override, at }: Accepted) => ({
  said_by: by,
  rule,
  policy,
  at,
  layer: override ? "override" : "owned",
  ...(override ? { until: override.until } : {}),
})

function changedRows({ productId, sku, changes, ...how }: EventData<"product.changed">): object[] {
  return changes.map(({ field, scope = {}, set }) => ({
    product_id: productId,
    sku,
    field,
    scope: scopeText(scope),
    ...(set === undefined ? {} : { value: set }),
    ...accepted(how),
  }))
}

function recordRows(source: string, data: unknown): object[] {
  // The type of the event says which data it has.
  const { record, sku, at } = data as EventData<"product.reported">
  return record === undefined ? [] : [{ source, record, sku, at }]
}

function priceRows({ productId, record, price, ended, ...how }: EventData<"price.changed">): object[] {
  const { said_by: source, ...rest } = accepted(how)
  return [{ source, record, product_id: productId, price, ended: ended ?? false, ...rest }]
}

function shownRows({ productId, channel, market, amount, at }: EventData<"price.shown">): object[] {
  return [{ product_id: productId, channel, market, at, amount_minor: amount.amountMinor, currency: amount.currency }]
}

function promotionRows({ promotionId, promotion, ended, ...how }: EventData<"promotion.changed">): object[] {
  return [{ promotion_id: promotionId, promotion, ended: ended ?? false, ...accepted(how) }]
}
