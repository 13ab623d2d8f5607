import { Type, type Static } from "typebox"
import { Money, money } from "../../base/money.ts"
import { JournalEntry } from "../ledger-entry.ts"
import { ChannelId, entity, InstantText, linesMax, OrderId, Reference, RefundedLine, Sku, textMax } from "../parts.ts"
import { ref, Ref } from "../refs.ts"
import { aboutOrder, eventType } from "./event-type.ts"
import { later, onePiece, orderId } from "./example-order.ts"

const { lineId, quantity, restock } = RefundedLine.properties
const CreditedUnits = Type.Object(
  {
    lineId,
    quantity,
    goods: Type.Array(Type.Object({ sku: Sku, milli: Type.Integer({ minimum: 1 }) }, { additionalProperties: false }), {
      maxItems: 50,
      description: "what they are on a shelf, in thousandths; none where they leave none",
    }),
    restock,
  },
  { additionalProperties: false },
)

/** What follows in books and stock from a refund that a channel made after the goods had left. */
const CreditDue = entity("Credit due", {
  creditId: Type.String({ minLength: 1, maxLength: 35, description: "also the number of its journal entry" }),
  orderId: OrderId,
  channel: ChannelId,
  orderNumber: Type.String({ minLength: 1, maxLength: textMax }),
  refundId: Type.String({ maxLength: 256, description: "the channel's number of the refund" }),
  amount: Money,
  entry: JournalEntry,
  units: Type.Array(CreditedUnits, {
    maxItems: linesMax,
    description: "the units that had left and are given back, goods and others",
  }),
  at: InstantText,
})
/** What the books have to credit, and the units that are given back. */
export type CreditDue = Static<typeof CreditDue>

/** Postings to the general ledger. */
export const financeEvents = {
  "entry.posted": eventType({
    schema: entity("Entry posted", {
      about: Ref,
      entryId: Type.String({ minLength: 1, maxLength: 35, description: "number of the journal entry" }),
      kind: Type.String({ minLength: 1, maxLength: 32, description: "invoice, credit, payment, reversal …" }),
      total: Money,
      tax: Type.Optional(Money),
      document: Type.Optional(Reference),
      businessDate: Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$" }),
      postingDate: Type.Optional(
        Type.String({
          pattern: "^\\d{4}-\\d{2}-\\d{2}$",
          description: "the day it was posted on, where the period of the business date was closed",
        }),
      ),
      at: InstantText,
    }),
    publisher: "workflow",
    summary: "A balanced journal entry is posted in the books; `total` is its amount.",
    about: ({ about }) => about,
    mentions: ({ entryId }) => [ref("journalEntry", entryId)],
    names: ({ entryId, document }) => [
      { system: "crossdock", type: "journal entry", id: entryId },
      ...(document ? [document] : []),
    ],
    example: {
      about: ref("order", orderId),
      entryId: "i-wh-berlin-2001",
      kind: "invoice",
      total: money(4488, "EUR"),
      tax: money(716, "EUR"),
      document: { system: "erp", type: "journal entry", id: "0100000042" },
      businessDate: "2026-11-20",
      at: later,
    },
  }),
  "credit.due": eventType({
    schema: CreditDue,
    publisher: "workflow",
    summary:
      "A channel gave money of an order back after goods of it had left: the books have to credit it, and its units are back or with the buyer.",
    about: aboutOrder,
    mentions: ({ creditId, entry: { number } }) => [ref("credit", creditId), ref("journalEntry", number)],
    names: ({ channel, refundId }) => [{ system: channel, type: "refund", id: refundId }],
    example: {
      creditId: `${orderId}-c4hq0n2kd`,
      orderId,
      channel: "shop-de",
      orderNumber: "#1001",
      refundId: "6001",
      amount: money(1999, "EUR"),
      entry: {
        number: `${orderId}-c4hq0n2kd`,
        orderId,
        kind: "credit",
        text: "refund 6001 of #1001",
        postedAt: later,
        businessDate: "2026-11-20",
        currency: "EUR",
        lines: [
          { account: "revenue", amount: money(1680, "EUR") },
          { account: "tax payable", amount: money(319, "EUR") },
          { account: "payment clearing", amount: money(-1999, "EUR") },
        ],
      },
      units: onePiece.map((line) => ({
        ...line,
        goods: [{ sku: "TEE-M", milli: 1000 }],
        restock: { locationId: "store-117" },
      })),
      at: later,
    },
  }),
} as const
