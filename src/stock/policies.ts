import { Type, type Static } from "typebox"
import { assertInvariant } from "../base/errors.ts"
import { own } from "../base/lookup.ts"
import { minorDigitsByCurrency } from "../base/money/currencies.ts"
import { storage, type Sql } from "../base/sql.ts"
import { Duration, durationMs } from "../base/time.ts"
import { ChannelId, entity, LocationId, Sku } from "../canonical/parts.ts"
import { CountTolerance } from "./incoming/differences.ts"
import { StockEquation } from "./incoming/equation.ts"
import { defaultRule, type PromiseRule } from "./promise.ts"

const closed = { additionalProperties: false } as const

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

const Minor = (description: string) => Type.Integer({ minimum: 0, description: `${description} Minor units.` })

/** What a wrong promise costs, and what follows from silence. */
const PromisePolicy = entity("Promise", {
  currency: Type.Enum(Object.keys(minorDigitsByCurrency), { description: "ISO 4217 code of the costs." }),
  oversellCostMinor: Minor("What one unit costs that was sold and is not there."),
  marginMinor: Minor("What one unit earns."),
  silentAfter: Type.Optional({
    ...Duration,
    description: "From this age on a source counts as silent, and a person is told. Default: never.",
  }),
  whileSilentPercent: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 100,
      description:
        "Percent of what a silent source last had that may still be promised, less the buffer. Default 100: the buffer alone grows.",
    }),
  ),
})
type PromisePolicy = Static<typeof PromisePolicy>

/** `policies.stock` of the estate; set at every start, so the file is what counts. */
export const StockPolicyBlock = entity("Stock policies", {
  skus: Type.Optional(Type.Record(Sku, StockPolicy, { description: "Backorders and safety stock by SKU." })),
  buffers: Type.Optional(
    Type.Array(StockBuffer, { description: "Held back from what channels are shown; what is left out means any." }),
  ),
  promise: Type.Optional(
    Type.Object(PromisePolicy.properties, {
      ...closed,
      description:
        "What the buffer weighs, and what follows from silence. Default: 30.00 for 12.00 of margin, never silent.",
    }),
  ),
  promises: Type.Optional(
    Type.Record(ChannelId, PromisePolicy, { description: "The same for single channels, in place of `promise`." }),
  ),
  sources: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 64 }), StockEquation, {
      description: "By connection: what its word on stock means.",
    }),
  ),
  tolerance: Type.Optional(
    Type.Object(CountTolerance.properties, {
      ...closed,
      description: "How far a count may be from what was expected before a person is told. Default: anything.",
    }),
  ),
})
export type StockPolicyBlock = Static<typeof StockPolicyBlock>

/** The rule of promises to a channel. */
export function promiseRule({ promise, promises = {} }: StockPolicyBlock, channel: string | undefined): PromiseRule {
  const policy: PromisePolicy | undefined = (channel === undefined ? undefined : own(promises, channel)) ?? promise
  if (!policy) return defaultRule
  const { silentAfter, whileSilentPercent = 100, ...costs } = policy
  return { ...costs, whileSilentPercent, ...(silentAfter ? { silentAfterMs: durationMs(silentAfter) } : {}) }
}

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
