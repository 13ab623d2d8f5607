import { Type, type Static, type TSchema } from "typebox"
import { AppError } from "../../base/errors.ts"
import { isCurrency } from "../../base/money.ts"
import { validator } from "../../canonical/validate.ts"

// Only fields that are used. Source: npm stripe 23.1.0, API version 2026-10-28.endive.

const Metadata = Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])
// "Object IDs may be up to 255 characters": docs.stripe.com/upgrades, read 2026-11.
const Id = Type.String({ minLength: 1, maxLength: 255 })
/** Seconds since 1970, until the year 9999. */
const Seconds = Type.Integer({ minimum: 0, maximum: 253_402_300_799 })
// Far more than Stripe takes at once, and little enough to be counted exactly in any currency.
const Amount = Type.Integer({ minimum: -1e13, maximum: 1e13 })
const Currency = Type.Refine(
  Type.String(),
  (code: string) => isCurrency(code.toUpperCase()),
  () => "is not a currency of ISO 4217",
)

const orNull = <Schema extends TSchema>(schema: Schema) => Type.Optional(Type.Union([schema, Type.Null()]))

const Charge = Type.Object({
  id: Id,
  payment_method_details: orNull(
    Type.Object({
      card: orNull(
        Type.Object({
          capture_before: orNull(Seconds),
          multicapture: orNull(Type.Object({ status: Type.String() })),
        }),
      ),
    }),
  ),
})

export const PaymentIntent = Type.Object({
  id: Id,
  status: Type.String(),
  amount: Amount,
  amount_capturable: Amount,
  amount_received: Amount,
  cancellation_reason: orNull(Type.String()),
  currency: Currency,
  created: Seconds,
  /** The whole charge only where `expand` asked for it. */
  latest_charge: orNull(Type.Union([Id, Charge])),
  payment_method: orNull(Type.String()),
  metadata: Metadata,
})
export type PaymentIntent = Static<typeof PaymentIntent>

const IdOrObject = Type.Union([Id, Type.Object({ id: Id })])

export const Refund = Type.Object({
  id: Id,
  amount: Amount,
  currency: Currency,
  status: Type.Union([Type.String(), Type.Null()]),
  failure_reason: orNull(Type.String()),
  payment_intent: orNull(IdOrObject),
  charge: orNull(IdOrObject),
  metadata: orNull(Metadata),
})
export type Refund = Static<typeof Refund>

const PaymentMethod = Type.Object({ id: Id, customer: orNull(IdOrObject) })

export const Dispute = Type.Object({
  id: Id,
  amount: Amount,
  currency: Currency,
  status: Type.String(),
  reason: orNull(Type.String()),
  payment_intent: orNull(IdOrObject),
  charge: orNull(IdOrObject),
  evidence_details: orNull(Type.Object({ due_by: orNull(Seconds) })),
})
export type Dispute = Static<typeof Dispute>

const Page = <Item extends TSchema>(item: Item) => Type.Object({ data: Type.Array(item), has_more: Type.Boolean() })

/** The envelope of every error: docs.stripe.com/api/errors. */
export const ErrorEnvelope = Type.Object({
  error: Type.Object({
    type: Type.String(),
    code: Type.Optional(Type.String()),
    decline_code: Type.Optional(Type.String()),
    message: Type.Optional(Type.String()),
    param: Type.Optional(Type.String()),
  }),
})

export const Event = Type.Object({
  id: Id,
  type: Type.String(),
  created: Seconds,
  data: Type.Object({ object: Type.Unknown() }),
})
export type Event = Static<typeof Event>

const reader = <Schema extends TSchema>(schema: Schema, name: string) => {
  const checked = validator(schema, name)
  return (body: unknown): Static<Schema> => {
    const problems = checked.problems(body)
    if (problems.length > 0)
      throw new AppError("VENDOR_MISBEHAVED", `Stripe sent a ${name} that is not as documented`, { problems })
    return checked.parse(body)
  }
}

export const readPaymentIntent = reader(PaymentIntent, "payment intent")
export const readPaymentMethod = reader(PaymentMethod, "payment method")
export const readRefund = reader(Refund, "refund")
export const readPaymentIntents = reader(Page(PaymentIntent), "page of payment intents")
export const readRefunds = reader(Page(Refund), "page of refunds")
/** A page of whatever it is: that it is one proves that Stripe answered. */
export const readPage = reader(Page(Type.Unknown()), "page")

/** Form fields as Stripe's API takes them; nested names are written out: `metadata[key]`. */
export type FormFields = Record<string, string>
