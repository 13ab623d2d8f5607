import { Type, type Static } from "typebox"
import { assertInvariant } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import { ChannelId, entity, LocationId, Sku } from "../canonical/parts.ts"

const milli = (description: string) => Type.Integer({ minimum: 0, description: `${description} Thousandths.` })

/** How far promises of a SKU may exceed its stock, and the stock that is never promised. */
const StockPolicy = entity("Stock policy", {
  allowBackorder: Type.Boolean({ description: "Whether it may be promised before it is there." }),
  backorderLimitMilli: milli("How far promises may exceed what is there; 0 unless backorders are allowed."),
  safetyStockMilli: milli("Never promised, in the network as a whole."),
})
export type StockPolicy = Static<typeof StockPolicy>

/** Held back from what is shown; a channel, location or SKU left out means any, and the widest that applies counts. */
const StockBuffer = entity("Stock buffer", {
  channel: Type.Optional(ChannelId),
  locationId: Type.Optional(LocationId),
  sku: Type.Optional(Sku),
  bufferMilli: milli("Held back."),
})
export type StockBuffer = Static<typeof StockBuffer>

/** `policies.stock` of the estate; set at every start, so the file is what counts. */
export const StockPolicyBlock = entity("Stock policies", {
  skus: Type.Optional(Type.Record(Sku, StockPolicy, { description: "Backorders and safety stock by SKU." })),
  buffers: Type.Optional(
    Type.Array(StockBuffer, { description: "Held back from what channels are shown; what is left out means any." }),
  ),
})
export type StockPolicyBlock = Static<typeof StockPolicyBlock>

/** Sets what the estate says of stock. */
export async function setStockPolicies(sql: Sql, { skus = {}, buffers = [] }: StockPolicyBlock): Promise<void> {
  const policies = createStockPolicies(sql)
  for (const [sku, policy] of Object.entries(skus)) await policies.setPolicy(sku, policy)
  for (const buffer of buffers) await policies.setBuffer(buffer)
}

export interface StockPolicies {
  setPolicy(sku: string, policy: StockPolicy): Promise<void>
  setBuffer(buffer: StockBuffer): Promise<void>
  /** Whether the location's stock belongs to the pool that serves orders without a location. */
  setPooled(locationId: string, isPooled: boolean): Promise<void>
  /** Records that a location's system reported without a change, so that its stock does not age. */
  noteHeard(locationId: string): Promise<void>
}

/** Stock settings that operators change at run time. */
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
