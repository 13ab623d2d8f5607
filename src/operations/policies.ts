import { Type, type Static } from "typebox"
import { CurrencyCode } from "../base/money.ts"
import { entity } from "../canonical/parts.ts"

/** What a retailer decides about people's work. Everything may be left out. */
export const OperationsPolicyBlock = entity("Operations policies", {
  approval: Type.Optional(
    entity("Approval", {
      cases: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: "An operation on more objects needs another person's approval. Default: 100",
        }),
      ),
      money: Type.Optional(
        Type.Number({
          minimum: 0,
          description: "As does one about more money, counted by the rates of the ranking. Default: 10000",
        }),
      ),
    }),
  ),
  ranking: Type.Optional(
    entity("Ranking", {
      rates: Type.Optional(
        Type.Record(CurrencyCode, Type.Number({ minimum: 0 }), {
          description:
            "What one unit of a currency counts for when exceptions are ranked, and nowhere else; a currency without a rate counts for one.",
        }),
      ),
      orderWorth: Type.Optional(
        Type.Number({ minimum: 0, description: "What an order that waits counts for besides its money. Default: 10" }),
      ),
    }),
  ),
})

/** See the schema. */
export type OperationsPolicyBlock = Static<typeof OperationsPolicyBlock>
