import type { Static, TSchema } from "typebox"
import { AppError, asAppError } from "../../base/errors.ts"
import { deliveredJson } from "../../base/json/delivered.ts"
import { own } from "../../base/lookup.ts"
import { fieldProblems, type FieldChange } from "../../canonical/catalogue/field-change.ts"
import { gtin14 } from "../../canonical/catalogue/gtin.ts"
import { isProductField } from "../../canonical/catalogue/product.ts"
import type { Price } from "../../canonical/catalogue/price.ts"
import { readValidity } from "../../canonical/catalogue/validity.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { validator } from "../../canonical/validate.ts"
import type { Delivery, RefusedRecord, Translation } from "../../ports/capabilities/intake.ts"
import {
  AnyEvent,
  PriceEnded,
  PriceSet,
  ProductChanged,
  ProductRemoved,
  PromotionEnded,
  PromotionSet,
} from "./payloads.ts"

const anyEvent = validator(AnyEvent, "catalogue event")

type Translator = (body: unknown, connection: string) => Translation

/** One translator for each event type of the protocol. */
const translators: Record<string, Translator> = {
  "product.changed": translator(ProductChanged, productChanged),
  "product.removed": translator(ProductRemoved, productRemoved),
  "price.set": translator(PriceSet, priceSet),
  "price.ended": translator(PriceEnded, ({ priceId: record, sku, version, occurredAt: at }, connection) =>
    one(connection, {
      type: "price.reported",
      fact: `price:${record}:v${version}`,
      at,
      data: { sku, record, ended: true, at },
    }),
  ),
  "promotion.set": translator(PromotionSet, ({ promotionId, promotion, version, occurredAt: at }, connection) =>
    one(connection, {
      type: "promotion.reported",
      fact: `promotion:${promotionId}:v${version}`,
      at,
      data: { promotionId, promotion, at },
    }),
  ),
  "promotion.ended": translator(PromotionEnded, ({ promotionId, version, occurredAt: at }, connection) =>
    one(connection, {
      type: "promotion.reported",
      fact: `promotion:${promotionId}:v${version}`,
      at,
      data: { promotionId, ended: true, at },
    }),
  ),
}

/** Webhooks and rows of `GET /events` have the same bodies, so both become the same facts. */
export function translateCatalogueEvent(delivery: Delivery): Translation {
  const body = deliveredJson(delivery.bytes)
  const problems = anyEvent.problems(body)
  if (problems.length > 0)
    throw new AppError("TRANSLATION_FAILED", "a catalogue event is not as documented", { problems })
  const { type } = anyEvent.parse(body)
  const translate = own(translators, type)
  return translate ? translate(body, delivery.connection) : { events: [], ignored: `${type} is not used` }
}

function translator<Schema extends TSchema>(
  schema: Schema,
  translate: (event: Static<Schema>, connection: string) => Translation,
): Translator {
  const checked = validator(schema, "catalogue event")
  return (body, connection) => {
    const problems = checked.problems(body)
    if (problems.length > 0)
      throw new AppError("TRANSLATION_FAILED", "a catalogue event is not as documented", { problems })
    return translate(checked.parse(body), connection)
  }
}

type Reported = "product.reported" | "price.reported" | "promotion.reported"

function one<Name extends Reported>(
  connection: string,
  { type, fact, at, data }: { type: Name; fact: string; at: string; data: NewEvent<Name>["data"] },
): Translation {
  return { events: [newEvent<Name>({ type, fact: `${connection}:${fact}`, source: connection, time: at, data })] }
}

/** A field that cannot be used is refused by itself; the others of the product go on. */
function productChanged(
  { sku, version, renamedFrom, fields, occurredAt: at }: ProductChanged,
  connection: string,
): Translation {
  const refused: RefusedRecord[] = []
  const changes = fields.flatMap(({ field, value, cleared, ...scope }, n): FieldChange[] => {
    const refuse = (problems: RefusedRecord["problems"]) => {
      const about = { system: connection, type: "product", id: sku }
      refused.push({
        pointer: `/fields/${n}`,
        code: "TRANSLATION_FAILED",
        message: `${field} of ${sku} cannot be used`,
        about,
        problems,
      })
      return []
    }
    if (!isProductField(field))
      return refuse([{ pointer: `/fields/${n}/field`, message: `there is no field ${field}` }])
    const where = Object.keys(scope).length > 0 ? { field, scope } : { field }
    const change: FieldChange = cleared
      ? { ...where, clear: true }
      : { ...where, set: field === "gtins" ? wholeGtins(value) : value }
    if (!cleared && value === undefined)
      return refuse([{ pointer: `/fields/${n}`, message: "has neither a value nor cleared" }])
    const problems = fieldProblems(change)
    return problems.length > 0
      ? refuse(
          problems.map((problem) => ({
            ...problem,
            pointer: `/fields/${n}${problem.pointer.replace(/^\/set/, "/value")}`,
          })),
        )
      : [change]
  })
  if (changes.length === 0)
    return { events: [], refused, ...(refused.length === 0 ? { ignored: "names no field" } : {}) }
  const data = { sku, changes, ...(renamedFrom === undefined ? {} : { renamedFrom }), at }
  return {
    ...one(connection, { type: "product.reported", fact: `product:${sku}:v${version}`, at, data }),
    ...(refused.length > 0 ? { refused } : {}),
  }
}

/** GTINs that lost their leading zeros on the way are 14 digits again. */
function wholeGtins(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.map((entry: unknown) => {
    const gtin: unknown = typeof entry === "object" && entry !== null ? Reflect.get(entry, "gtin") : undefined
    return typeof gtin === "string" ? { ...(entry as object), gtin: gtin14(gtin) ?? gtin } : entry
  })
}

/** What its source deleted is withdrawn everywhere; nothing is deleted here. */
function productRemoved(
  { sku, version, occurredAt: at }: Static<typeof ProductRemoved>,
  connection: string,
): Translation {
  const changes: FieldChange[] = [{ field: "state", set: "withdrawn" }]
  return one(connection, {
    type: "product.reported",
    fact: `product:${sku}:v${version}`,
    at,
    data: { sku, changes, at },
  })
}

function priceSet(event: PriceSet, connection: string): Translation {
  const { priceId: record, version, sku, occurredAt: at } = event
  return one(connection, {
    type: "price.reported",
    fact: `price:${record}:v${version}`,
    at,
    data: { sku, record, price: priceOf(event), at },
  })
}

function priceOf(event: PriceSet): Price {
  const {
    kind: type,
    amount,
    tax: taxBasis,
    market,
    channel,
    locationId: location,
    group,
    unit,
    minimumMilli: minMilli,
  } = event
  const { from, until, zone, endIncluded, rank, compareAt } = event
  try {
    return {
      type,
      amount,
      taxBasis,
      scope: given({ market, channel, location, group, unit, minMilli }),
      validity: readValidity(given({ from, until, zone, endIncluded })),
      ...(rank === undefined ? {} : { rank }),
      // "Was 0" is none.
      ...(compareAt === undefined
        ? {}
        : { compareAt: compareAt === null || compareAt.amountMinor === 0 ? { clear: true } : { set: compareAt } }),
    }
  } catch (thrown) {
    throw new AppError("TRANSLATION_FAILED", asAppError(thrown).message, { problems: asAppError(thrown).problems })
  }
}

type Given<Values> = { [Key in keyof Values]?: Exclude<Values[Key], undefined> }

/** Without what is missing. */
function given<Values extends object>(values: Values): Given<Values> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<Values>
}
