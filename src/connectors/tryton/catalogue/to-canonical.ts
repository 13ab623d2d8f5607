import { AppError, type Problem } from "../../../base/errors.ts"
import { contentDigest } from "../../../base/ids.ts"
import { fieldProblems, type FieldChange } from "../../../canonical/catalogue/field-change.ts"
import { newEvent, type NewEvent } from "../../../canonical/events.ts"
import type { RefusedRecord, Translation } from "../../../ports/capabilities/intake.ts"
import { idOf } from "../payloads.ts"
import type { TrytonOptions } from "../sales/sale.ts"
import { fieldsOf, type Told } from "./fields.ts"
import { priceOf, recordOf } from "./price-of.ts"
import { lastChanged, recordsOf, type ToldProduct } from "./told-product.ts"

type Options = Pick<TrytonOptions, "settings" | "system">

/**
 * What a product of Tryton says of the product and its prices. A field or a price that cannot be used is refused by itself, and the others
 * go on. The fact has what is said beside its time: a text of another record changes a product without touching it.
 */
export function translateProduct(told: ToldProduct, { settings, system }: Options): Translation {
  const { product } = told
  const id = idOf(product)
  const sku = product["code"]
  if (typeof sku !== "string" || sku === "") return { events: [], ignored: "its product has no code" }
  if (Object.values(settings.chargeProducts).includes(sku))
    return { events: [], ignored: "it carries money that is no goods" }
  if (told.heir !== undefined) return { events: [], ignored: `product ${told.heir} has its code now` }
  const changedAt = lastChanged(recordsOf(told))
  const refused: RefusedRecord[] = []
  const about = { system, type: "product", id: String(id) }
  const taken = <Value>(from: () => Value, { pointer, what }: { pointer: string; what: string }): Value[] => {
    try {
      return [from()]
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown
      if (thrown.code !== "VENDOR_VALUE_UNKNOWN" && thrown.code !== "TRANSLATION_FAILED") throw thrown
      const problems: readonly Problem[] =
        thrown.problems.length > 0 ? thrown.problems : [{ pointer, message: thrown.message }]
      refused.push({ pointer, code: thrown.code, message: `${what} of ${sku}: ${thrown.message}`, about, problems })
      return []
    }
  }
  const changes = fieldsOf(told, settings).flatMap((one) =>
    taken(() => checked(one), { pointer: one.pointer, what: one.field }),
  )
  const event = <Name extends "product.reported" | "price.reported">(
    type: Name,
    { fact, at, data }: { fact: string; at: string; data: NewEvent<Name>["data"] },
  ) =>
    newEvent<Name>({
      type,
      fact: `${system}:${fact}:${at}:${contentDigest(data).slice(0, 16)}`,
      source: system,
      time: at,
      data,
    })
  const events: NewEvent[] = []
  if (changes.length > 0)
    events.push(
      event("product.reported", {
        fact: `product:${id}`,
        at: changedAt,
        data: { sku, changes, record: String(id), at: changedAt },
      }),
    )
  for (const [n, one] of told.prices.entries()) {
    const source = (settings.catalogue?.prices ?? [])[n]
    if (!source) continue
    const at = [changedAt, ...(one.list ? [lastChanged([one.list])] : [])].sort().at(-1) ?? changedAt
    const record = recordOf(id, source)
    const pointer = `/prices/${n}/amount`
    for (const price of taken(() => priceOf(one, { source, settings }), { pointer, what: "a price" }))
      events.push(
        event("price.reported", {
          fact: `price:${record}`,
          at,
          data: { sku, record, ...(price === undefined ? { ended: true } : { price }), at },
        }),
      )
  }
  return {
    events,
    ...(refused.length > 0 ? { refused } : {}),
    ...(events.length + refused.length === 0 ? { ignored: "nothing of it is told" } : {}),
  }
}

/** A change of a field; TRANSLATION_FAILED with every problem where its value does not fit. */
function checked({ field, pointer, scope, value }: Told): FieldChange {
  const set = value()
  const where = scope ? { field, scope } : { field }
  const change: FieldChange = set === undefined ? { ...where, clear: true } : { ...where, set }
  const problems = fieldProblems(change).map((one) => ({ ...one, pointer }))
  const [first] = problems
  if (first) throw new AppError("TRANSLATION_FAILED", first.message, { problems })
  return change
}
