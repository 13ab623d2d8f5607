import { Type } from "typebox"
import { ChannelId, entity, InstantText } from "../parts.ts"
import { ref } from "../refs.ts"
import { eventType } from "../events/event-type.ts"
import { at, later } from "../events/example-order.ts"
import { Minor, Name } from "./receipt-tender.ts"
import { Day, Receipt, Sequence, type NumberedReceipt, type ReceiptReference } from "./receipt.ts"
import { Closure, DayClosing } from "./store-day.ts"

const Digest = Type.String({ pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" })
const Numbered = Type.Object(
  { ...Receipt.properties, epoch: Name, businessDay: Day, sequence: Sequence },
  { additionalProperties: false },
)
const Unread = Type.Object(
  {
    problems: Type.Array(
      Type.Object(
        { pointer: Type.String({ maxLength: 1000 }), message: Type.String({ maxLength: 2000 }) },
        { additionalProperties: false },
      ),
      { maxItems: 50 },
    ),
    asSent: Type.String({ description: "as its sender wrote it, without the buyer, cards and pictures" }),
    worthMinor: Type.Optional({ ...Minor, description: "what its sender says it comes to, where that could be read" }),
  },
  {
    additionalProperties: false,
    description: "what of it cannot be held or was not explained; then the receipt has no lines",
  },
)
const told = {
  receipt: Numbered,
  digest: Digest,
  recordedAt: InstantText,
  sent: Type.Optional({
    ...Digest,
    description: "of a transaction of a file: equal for the same words, by whatever rules they were read",
  }),
}

/** The one name of a receipt: a number may come again on another day, and after a till was installed anew. */
export function saleRef({ documentId, epoch = documentId ?? "1", ...of }: ReceiptReference) {
  const { storeId, tillId, businessDay = "-", sequence = 0 } = of
  return ref("sale", storeId, tillId, businessDay, epoch, String(sequence))
}

/** The one name of a store's day. */
export function storeDayRef({ storeId, businessDay }: { storeId: string; businessDay: string }) {
  return ref("storeDay", `${storeId}:${businessDay}`)
}
const aboutSale = ({ receipt }: { receipt: ReceiptReference }) => saleRef(receipt)

/** The place, and the orders of ours that it hands over, settles or takes back. */
function mentioned({ receipt }: { receipt: Receipt }) {
  const { storeId, orderId, lines = [] } = receipt
  const orders = [orderId, ...lines.flatMap((line) => [line.orderId, line.returned?.orderId])]
  return [
    ref("location", storeId),
    ...[...new Set(orders)].flatMap((order) => (order === undefined ? [] : [ref("order", order)])),
  ]
}

const sale: { receipt: NumberedReceipt; digest: string; recordedAt: string } = {
  receipt: {
    storeId: "117",
    tillId: "3",
    epoch: "1",
    businessDay: "2026-11-20",
    sequence: 10442,
    kind: "sale",
    sessionId: "3-2026-11-20-a",
    endedAt: at,
    cashier: "ina",
    currency: "EUR",
    lines: [
      {
        lineId: "1",
        sku: "TEE-M",
        quantityMilli: 1000,
        unit: "ea",
        amountMinor: 1999,
        taxes: [{ code: "DE-19", ratePercent: "19", amountMinor: 319, isIncluded: true }],
      },
    ],
    tenders: [{ kind: "cash", amountMinor: 2000, changeMinor: 1 }],
  },
  digest: "6f1ed002-ab55-95e5-9c8e-5a1d2b3c4d5e",
  recordedAt: later,
}
const other = "0b3c5d7e-1f20-4a6b-8c9d-0e1f2a3b4c5d"

/** What tills tell, and what became of it. */
export const saleEvents = {
  "receipt.told": eventType({
    schema: entity("Receipt told", {
      system: ChannelId,
      receipt: Receipt,
      sent: { ...Digest, description: "of what its system said: read by other rules later, it is the same receipt" },
      unread: Type.Optional(Unread),
    }),
    publisher: "connector",
    summary:
      "The system of a store's tills has a receipt. It counts when its sums hold, as if its till had sent it: `sale.recorded`, `sale.parked`.",
    about: ({ system, receipt }) => ref("document", system, "receipt", receipt.documentId ?? String(receipt.sequence)),
    mentions: ({ receipt }) => [ref("location", receipt.storeId)],
    names: ({ system, receipt: { documentId } }) =>
      documentId === undefined ? [] : [{ system, type: "receipt", id: documentId }],
    example: {
      system: "square",
      receipt: {
        storeId: "117",
        tillId: "square",
        documentId: "CAISENgvlJ6jLWAzERDzjyHVybY",
        kind: "sale",
        endedAt: at,
        currency: "EUR",
        lines: sale.receipt.lines ?? [],
        tenders: [{ kind: "cash", amountMinor: 2000, changeMinor: 1 }],
      },
      sent: other,
    },
  }),
  "sale.recorded": eventType({
    schema: entity("Sale recorded", told),
    publisher: "gateway",
    summary: "A till sold, took back or voided: goods and money moved. Its sums hold.",
    about: aboutSale,
    mentions: mentioned,
    example: sale,
  }),
  "till.recorded": eventType({
    schema: entity("Till recorded", told),
    publisher: "gateway",
    summary:
      "A till used a number for something that moves no goods: an opening, a count, a safe drop, training, a suspended sale.",
    about: aboutSale,
    mentions: ({ receipt }) => [ref("location", receipt.storeId)],
    example: {
      ...sale,
      receipt: {
        ...tillNumberOf(sale.receipt),
        kind: "count",
        sequence: 10443,
        counts: [{ tender: "cash", countedMinor: 11_999 }],
      },
    },
  }),
  "sale.parked": eventType({
    schema: entity("Sale parked", {
      ...told,
      offByMinor: Type.Integer({ description: "sold less paid, in minor units" }),
      unread: Type.Optional(Unread),
    }),
    publisher: "gateway",
    summary:
      "A receipt does not add up or cannot be read whole. It is kept and moves nothing until a corrected one with its number comes.",
    about: aboutSale,
    mentions: mentioned,
    example: { ...sale, offByMinor: 100 },
  }),
  "sale.conflicted": eventType({
    schema: entity("Sale conflicted", { ...told, firstDigest: Digest }),
    publisher: "gateway",
    summary: "A number of a till came again with other content. Both are kept; the first one counts.",
    about: aboutSale,
    mentions: mentioned,
    example: { ...sale, firstDigest: other },
  }),
  "storeDay.closing": eventType({
    schema: DayClosing,
    publisher: "gateway",
    summary: "A store's day is to be closed; it waits for the receipts it names.",
    about: storeDayRef,
    mentions: ({ storeId }) => [ref("location", storeId)],
    example: {
      storeId: "117",
      businessDay: "2026-11-20",
      requestedBy: "crossdock",
      requestedAt: later,
      postAnywayAt: later,
      waitsFor: ["store 117 till 3: 10442-10444 outstanding"],
    },
  }),
  "storeDay.closed": closureEvent(
    "A store's day is closed, for good: sums, counts, and what it was closed without.",
    0,
  ),
  "storeDay.corrected": closureEvent("Something came after a store's day was closed. The closing stays as it is.", 1),
} as const

function tillNumberOf({ storeId, tillId, epoch, businessDay, sessionId, endedAt, currency }: typeof sale.receipt) {
  return { storeId, tillId, epoch, businessDay, ...(sessionId ? { sessionId } : {}), endedAt, currency }
}

function closureEvent(summary: string, n: number) {
  return eventType({
    schema: Closure,
    publisher: "gateway",
    summary,
    about: storeDayRef,
    mentions: ({ storeId, entries }) => [
      ref("location", storeId),
      ...entries.map(({ entryId }) => ref("journalEntry", entryId)),
    ],
    example: {
      storeId: "117",
      businessDay: "2026-11-20",
      n,
      zNumber: 412 + n,
      reasons: n === 0 ? [] : (["late_sale"] as const).slice(),
      receiptCount: 1,
      took: [{ tillId: "3", epoch: "1", from: 10442, to: 10442 }],
      tenders: [{ tender: "cash", currency: "EUR", amountMinor: 1999 }],
      counts: [],
      missing: [],
      carried: [],
      entries: [
        {
          entryId: `sd_0123456789abcde${n}`,
          storeId: "117",
          businessDay: "2026-11-20",
          currency: "EUR",
          text: "store 117, 2026-11-20",
          lines: [
            { account: "drawer", tender: "cash", amountMinor: 1999 },
            { account: "revenue", taxCode: "DE-19", amountMinor: -1680 },
            { account: "tax payable", taxCode: "DE-19", amountMinor: -319 },
          ],
          receipts: { count: 1, digest: "6f1ed002ab5595e59c8e5a1d2b3c4d5e" },
          closedAt: later,
        },
      ],
      closedBy: "m.keller@example.com",
      closedAt: later,
    },
  })
}
