import { Type, type Static } from "typebox"
import { entity } from "../../canonical/parts.ts"

/** What a retailer decides about figures. Everything may be left out. */
export const FigurePolicyBlock = entity("Figure policies", {
  targets: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 64 }), Type.Number(), {
      description: "What a figure should reach, by its name and in its unit: a share from 0 to 1, a time in seconds.",
    }),
  ),
  weeklyReport: Type.Optional(
    entity("Weekly report", {
      connection: Type.String({ minLength: 1, maxLength: 64, description: "the connection that sends the mail" }),
      to: Type.Array(Type.String({ format: "email", maxLength: 320 }), {
        minItems: 1,
        maxItems: 50,
        description: "addresses that get it on Mondays",
      }),
      hour: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 12,
          description: "the hour from which on it is sent, in the company's time zone. Default: 6",
        }),
      ),
    }),
  ),
})

/** See the schema. */
export type FigurePolicyBlock = Static<typeof FigurePolicyBlock>
