import { Type, type Static } from "typebox"
import { Money as MoneySchema, type Money } from "../../base/money.ts"
import { Duration } from "../../base/time.ts"
import { ChannelId, LocationId, Sku, textMax } from "../../canonical/parts.ts"
import { Tender, type Order } from "../../canonical/order.ts"
import { TillReturnPolicy } from "../../canonical/returns/till-policy.ts"
import type { SoldGoods } from "../../rules/returns/eligible.ts"
import type { ShippingGiven } from "../../rules/returns/refund.ts"
import type { TenderLeft } from "../../rules/returns/split.ts"
import type { OrderPolicies } from "../fulfil-order/policies.ts"

const closed = { additionalProperties: false } as const
const Days = Type.Integer({ minimum: 0, maximum: 3650 })

/** What a retailer decides about returns: `policies.returns` of the estate. */
export const ReturnPolicyBlock = Type.Object(
  {
    days: Type.Integer({
      minimum: 0,
      maximum: 3650,
      description: "Goods may come back for so many days from their delivery, or from when they left.",
    }),
    daysByChannel: Type.Optional(Type.Record(ChannelId, Days, { description: "Other days in some channels." })),
    finalSale: Type.Optional(
      Type.Object(
        {
          tags: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: textMax }))),
          skus: Type.Optional(Type.Array(Sku)),
        },
        { ...closed, description: "What is sold for good: orders with one of these tags, and these SKUs." },
      ),
    ),
    onObjection: Type.Enum(["ask", "decline"], {
      description: "A return that the rules do not allow: ask customer service, or decline it.",
    }),
    arriveWithin: {
      ...Duration,
      description: "A return of which nothing more has come for this time is closed with what came.",
    },
    approveAbove: Type.Array(MoneySchema, {
      description: "A refund of more than this, by currency of the buyer, is approved by another person first.",
    }),
    refundOrder: Type.Optional(
      Type.Array(Tender.properties.kind, {
        description: "In which order tenders give back. Default: gift card, card, wallet, invoice, other, cash.",
      }),
    ),
    refundsShipping: Type.Enum(["never", "with the last goods"], {
      description: "Whether the shipping that the buyer paid comes back, once all goods of the order have.",
    }),
    restockingPercent: Type.Optional(
      Type.Number({ minimum: 0, maximum: 100, description: "Kept of goods that are sent back, per cent." }),
    ),
    label: Type.Optional(
      Type.Array(MoneySchema, {
        description: "Kept for the label of a return that is sent back, by currency of the buyer.",
      }),
    ),
    placesTell: Type.Array(LocationId, {
      description:
        "Places whose systems report returned goods as movements of stock themselves: Crossdock adds nothing there.",
    }),
    atTills: Type.Optional(TillReturnPolicy),
  },
  { ...closed, description: "Goods that come back." },
)

/** See the schema. */
export type ReturnBlock = Static<typeof ReturnPolicyBlock>

/** The retailer's decisions, and where the workflow reads what its own need. */
export interface ReturnPolicies extends ReturnBlock, Pick<OrderPolicies, "onClosedPeriod" | "businessDay"> {
  /** The order as it is now, with what the buyer has of it; undefined when there is none. */
  soldGoods: (orderId: string) => Promise<SoldGoods | undefined>
  /** What each tender of an order can still give back, and how. */
  tendersLeft: (order: Order) => Promise<TenderToRefund[]>
  /** What no tender of an order covers, in the buyer's currency; undefined when there is no such order. */
  uncovered: (orderId: string) => Promise<Money | undefined>
  /** Whether all goods of an order that left have been given back, the last of them by one of these claims. */
  hasLastGoods: (orderId: string, keys: readonly string[]) => Promise<boolean>
  /** Shipping of an order that its shop has given back. */
  shippingGiven: (orderId: string) => Promise<ShippingGiven>
}

/** A tender that may give back, with the payment it took. */
export interface TenderToRefund extends TenderLeft {
  provider: string
  paymentId?: string
  currency: string
}

/** The limit or the price in a currency; undefined where the policy names none. */
export function inCurrency(amounts: readonly Money[] | undefined, currency: string): number | undefined {
  return amounts?.find((one) => one.currency === currency)?.amountMinor
}

/** Where the estate has no block: thirty days, and people decide what the rules do not allow. */
export const returnDefaults: ReturnBlock = {
  days: 30,
  onObjection: "ask",
  arriveWithin: { days: 30 },
  approveAbove: [],
  refundsShipping: "with the last goods",
  placesTell: [],
}
