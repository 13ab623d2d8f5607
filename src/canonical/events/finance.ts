import { Type } from "typebox"
import { Money, money } from "../../base/money.ts"
import { entity, InstantText, Reference } from "../parts.ts"
import { ref, Ref } from "../refs.ts"
import { eventType } from "./event-type.ts"
import { later, orderId } from "./example-order.ts"

/** Postings to the general ledger. */
export const financeEvents = {
  "entry.posted": eventType({
    schema: entity("Entry posted", {
      about: Ref,
      entryId: Type.String({ minLength: 1, maxLength: 35, description: "number of the journal entry" }),
      kind: Type.String({ minLength: 1, maxLength: 32, description: "invoice, payment, reversal …" }),
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
} as const
