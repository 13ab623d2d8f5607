import { Type, type Static, type TSchema } from "typebox"
import { AppError } from "../../base/errors.ts"
import type { Money } from "../../base/money.ts"
import { InstantText, type Address } from "../../canonical/parts.ts"
import { validator } from "../../canonical/validate.ts"

// docs/reference/http-json-systems.md, "Fraud".

export interface ScreeningRequest {
  reference: string
  amount: Money
  email: string
  shipTo: Address
  billTo?: Address
  lines: { sku: string; quantityMilli: number; unit: string; amountMinor: number }[]
}

const ScreeningAnswer = Type.Object({
  screeningId: Type.String({ minLength: 1 }),
  reference: Type.String(),
  decision: Type.String(),
  score: Type.Number(),
  reasons: Type.Array(Type.String()),
  /** Only in a look-up: the decision that ended a review, null while it is open. */
  final: Type.Optional(Type.Union([Type.String(), Type.Null()])),
})
export type ScreeningAnswer = Static<typeof ScreeningAnswer>

const Found = Type.Object({ screenings: Type.Array(ScreeningAnswer) })

/** Only the fields of every event; those of a single type are parsed where they are translated. */
export const FraudEvent = Type.Object({
  type: Type.String(),
  eventId: Type.String({ minLength: 1 }),
  occurredAt: InstantText,
  reference: Type.String({ minLength: 1 }),
  decision: Type.Optional(Type.String()),
})
export type FraudEvent = Static<typeof FraudEvent>

const reader = <Schema extends TSchema>(schema: Schema, name: string) => {
  const checked = validator(schema, name)
  return (body: unknown): Static<Schema> => {
    const problems = checked.problems(body)
    if (problems.length > 0) throw new AppError("VENDOR_MISBEHAVED", `a ${name} is not as documented`, { problems })
    return checked.parse(body)
  }
}

export const readScreening = reader(ScreeningAnswer, "screening")
export const readFound = reader(Found, "list of screenings")
