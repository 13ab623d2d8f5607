import { Type, type Static } from "typebox"
import { InstantText, LocationId, OrderId, Sku } from "../parts.ts"
import { Minor, Name } from "./receipt-tender.ts"

const closed = { additionalProperties: false } as const
const most = 1_000_000_000_000

/** A tax as the till charged it; never computed again. */
export const SaleTax = Type.Object(
  {
    code: { ...Name, description: "what the books know it by, e.g. DE-19" },
    ratePercent: Type.Optional(Type.String({ pattern: "^\\d{1,3}(\\.\\d{1,8})?$" })),
    baseMinor: Type.Optional(Minor),
    amountMinor: Minor,
    isIncluded: Type.Optional(Type.Boolean({ description: "the line's amount has it in it" })),
    exemption: Type.Optional(Type.String({ maxLength: 200 })),
  },
  closed,
)
export type SaleTax = Static<typeof SaleTax>

const SaleDiscount = Type.Object(
  {
    amountMinor: { ...Minor, description: "what the line costs less; signed as the line" },
    scope: Type.Optional(Type.Enum(["line", "receipt"])),
    promotionId: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    reason: Type.Optional(Type.String({ maxLength: 200 })),
  },
  closed,
)

const Returned = Type.Object(
  {
    original: Type.Optional(
      Type.Object(
        {
          storeId: LocationId,
          tillId: Type.Optional(Name),
          epoch: Type.Optional(Name),
          businessDay: Type.Optional(Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$" })),
          sequence: Type.Optional(Type.Integer({ minimum: 0, maximum: most })),
          documentId: Type.Optional(Name),
          soldAt: Type.Optional({
            ...InstantText,
            description:
              "when it was sold, where its day is not said: its receipt is not expected when that was before the store's first day here",
          }),
          lineId: Type.Optional({ ...Name, description: "absent where an amount came back, and no line of it" }),
        },
        {
          ...closed,
          description:
            "the receipt that sold it, by its till and number or by its document; without it and without an order the return is blind",
        },
      ),
    ),
    orderId: Type.Optional(OrderId),
    returnId: Type.Optional({ ...Name, description: "the return that was opened for it" }),
    reason: Type.Optional(Type.String({ maxLength: 200 })),
    condition: Type.Optional(Name),
    disposition: Type.Optional(
      Type.Enum(["sell here", "inspect", "damaged", "blocked", "gone"], {
        description: "where the goods are now; default sell here",
      }),
    ),
  },
  closed,
)

/** One line. What comes back has a negative quantity and negative amounts. */
export const ReceiptLine = Type.Object(
  {
    lineId: Name,
    as: Type.Optional(
      Type.Enum(["goods", "service", "gift card", "deposit", "account payment"], {
        description: "default goods; a gift card and a deposit are owed and are no revenue",
      }),
    ),
    sku: Type.Optional(Sku),
    text: Type.Optional(Type.String({ maxLength: 255 })),
    quantityMilli: Type.Integer({ minimum: -most, maximum: most, description: "thousandths of the unit" }),
    unit: Type.String({ minLength: 1, maxLength: 8 }),
    tareMilli: Type.Optional(Type.Integer({ minimum: 0, maximum: most })),
    listPriceMinor: Type.Optional(Minor),
    unitPriceMinor: Type.Optional(Minor),
    amountMinor: { ...Minor, description: "quantity × price as the till has it, before discounts" },
    taxes: Type.Optional(Type.Array(SaleTax, { maxItems: 20 })),
    discounts: Type.Optional(Type.Array(SaleDiscount, { maxItems: 50 })),
    serial: Type.Optional(Name),
    lot: Type.Optional(Name),
    ageCheck: Type.Optional(Type.Object({ method: Name }, closed)),
    cardId: Type.Optional({ ...Sku, description: "the gift card that was sold or topped up" }),
    orderId: Type.Optional({
      ...OrderId,
      description: "goods handed over for an order of ours: its shipment moves the stock, not this line",
    }),
    returned: Type.Optional(Returned),
  },
  closed,
)
/** See the schema. */
export type ReceiptLine = Static<typeof ReceiptLine>
