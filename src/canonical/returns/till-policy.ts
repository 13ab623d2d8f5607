import { Type, type Static } from "typebox"
import { Money } from "../../base/money.ts"
import { ChannelId } from "../parts.ts"
import { MarketId } from "../catalogue/scope.ts"
import { Name, Tender } from "../sales/receipt-tender.ts"

const closed = { additionalProperties: false } as const
const Days = Type.Integer({ minimum: 1, maximum: 366 })
const Amounts = Type.Array(Money, { maxItems: 50 })

/** Limits on returns without a receipt. */
const BlindPolicy = Type.Object(
  {
    aloneUpTo: {
      ...Amounts,
      description:
        "What a cashier may give for it alone on one receipt, by currency. A currency that is not named: nothing.",
    },
    approvedUpTo: Type.Optional({
      ...Amounts,
      description:
        "What may be given with an approver's name on the receipt (`override.approver`), who is not the cashier. Default: as much as alone.",
    }),
    approvers: Type.Optional(
      Type.Array(Name, { maxItems: 1000, description: "Who may approve, as tills name them. Default: anybody else." }),
    ),
    tenders: Type.Array(Tender.properties.kind, {
      minItems: 1,
      description: "By which means money goes back, e.g. store credit.",
    }),
    lowestPrice: Type.Optional(
      Type.Object(
        {
          days: Days,
          channel: Type.Optional({ ...ChannelId, description: "of tills, for prices that hold in one channel only" }),
          market: Type.Optional(MarketId),
        },
        {
          ...closed,
          description:
            "No more is given for a piece than its lowest price at the store in so many days before. Default: any price.",
        },
      ),
    ),
    perCustomer: Type.Optional(
      Type.Object(
        { receipts: Type.Integer({ minimum: 1, maximum: 1000 }), days: Days },
        {
          ...closed,
          description:
            "How often one customer may: on so many receipts within so many days. A receipt that names no customer (`customerId`) is told.",
        },
      ),
    ),
  },
  { ...closed, description: "What comes back without its receipt and without an order." },
)
/** See the schema. */
export type BlindPolicy = Static<typeof BlindPolicy>

/** Limits on refunds that a till gives by itself: `policies.returns.atTills`. */
export const TillReturnPolicy = Type.Object(
  {
    blind: Type.Optional(
      Type.Union([Type.Literal("never"), BlindPolicy], {
        description: "Goods without their receipt: never, or within limits. Left out: nobody looks.",
      }),
    ),
    offline: Type.Optional(
      Type.Object(
        {
          receiptUpTo: Type.Optional({ ...Amounts, description: "On one receipt, by currency." }),
          tillDayUpTo: Type.Optional({ ...Amounts, description: "By one till on one business day, by currency." }),
        },
        {
          ...closed,
          description:
            "What a till may give back for goods while it has no connection (`isOffline`). A currency that is not named: as much as is asked. Left out: nobody looks.",
        },
      ),
    ),
  },
  {
    ...closed,
    description:
      "What tills may give back by their own receipts. Goods and money have moved when a receipt comes: what is beyond is told to finance with its amount, and never refused.",
  },
)
/** See the schema. */
export type TillReturnPolicy = Static<typeof TillReturnPolicy>
