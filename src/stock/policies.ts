import { assertInvariant } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"

/** What a SKU may be promised beyond and below what is there. Thousandths. */
export interface StockPolicy {
  allowBackorder: boolean
  /** How far promises may exceed what is there; 0 unless backorders are allowed. */
  backorderLimitMilli: number
  /** Never promised, in the network as a whole. */
  safetyStockMilli: number
}

/** Held back from what is shown; a channel, location or SKU left out means any, and the widest that applies counts. */
export interface StockBuffer {
  channel?: string
  locationId?: string
  sku?: string
  bufferMilli: number
}

export interface StockPolicies {
  setPolicy(sku: string, policy: StockPolicy): Promise<void>
  setBuffer(buffer: StockBuffer): Promise<void>
  /** Whether the location's stock belongs to the pool that serves orders without a location. */
  setPooled(locationId: string, isPooled: boolean): Promise<void>
  /** Notes that a location's system was heard although nothing changed, so that its stock does not age. */
  noteHeard(locationId: string): Promise<void>
}

/** Settings of stock that operators change while it runs. */
export function createStockPolicies(sql: Sql): StockPolicies {
  return {
    setPolicy: (sku, policy) => setPolicy(sql, sku, policy),
    setBuffer: ({ channel = "", locationId = "", sku = "", bufferMilli }) =>
      storage(async () => {
        await sql`
          insert into stock_buffers (channel, location_id, sku, buffer_milli)
          values (${channel}, ${locationId}, ${sku}, ${bufferMilli})
          on conflict (sku, channel, location_id) do update set buffer_milli = excluded.buffer_milli`
      }),
    setPooled: (locationId, isPooled) =>
      storage(async () => {
        await sql`select stock_set_pooled(${locationId}, ${isPooled})`
      }),
    noteHeard: (locationId) =>
      storage(async () => {
        await sql`
          insert into stock_locations (location_id, heard_at) values (${locationId}, now())
          on conflict (location_id) do update set heard_at = greatest(stock_locations.heard_at, excluded.heard_at)`
      }),
  }
}

async function setPolicy(sql: Sql, sku: string, policy: StockPolicy): Promise<void> {
  const { allowBackorder, backorderLimitMilli, safetyStockMilli } = policy
  assertInvariant(allowBackorder || backorderLimitMilli === 0, "a backorder limit needs backorders to be allowed")
  await storage(async () => {
    await sql`select stock_set_policy(${sku}, ${allowBackorder}, ${backorderLimitMilli}, ${safetyStockMilli})`
  })
}
