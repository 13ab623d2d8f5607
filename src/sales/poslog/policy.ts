import { Type, type Static } from "typebox"
import { LocationId } from "../../canonical/parts.ts"

const byWord = <Value extends Parameters<typeof Type.Record>[1]>(value: Value, description: string) =>
  Type.Optional(Type.Record(Type.String(), value, { description }))

/** What a retailer's own words in POSLog mean: `policies.sales.poslog`. A word that is neither here nor in the standard is parked. */
export const PoslogPolicy = Type.Object(
  {
    stores: byWord(LocationId, "Store by its UnitID or RetailStoreID. Default: they are the location's id."),
    tenders: byWord(
      Type.Enum(["cash", "card", "gift card", "store credit", "voucher", "deposit", "account", "other"]),
      "Kind of tender by TenderType.",
    ),
    items: byWord(
      Type.Enum(["goods", "service", "gift card", "deposit", "account payment"]),
      "What a line sells by ItemType, e.g. `Deposit`: `goods` for the deposit on a bottle.",
    ),
    units: byWord(
      Type.String({ minLength: 1, maxLength: 8 }),
      "Unit by UnitOfMeasureCode; by an empty word that of parts of a piece that have none, e.g. of tills that write weights so.",
    ),
    taxCodes: byWord(
      Type.String({ minLength: 1, maxLength: 64 }),
      "What the books call a tax, by TaxGroupID, TaxRuleID, or TaxType and Percent (`VAT 19`), whichever there is first.",
    ),
    voids: Type.Optional(
      Type.Enum(["as the sale", "turned round"], {
        description:
          "Which signs the lines of a void have: those of the sale it takes back, or the other ones. Without it a void with negative lines of Sale is parked, because a sale that is turned round and bottles that came back look the same.",
      }),
    ),
  },
  { additionalProperties: false, description: "What a retailer's own words in POSLog XML mean." },
)
export type PoslogPolicy = Static<typeof PoslogPolicy>
