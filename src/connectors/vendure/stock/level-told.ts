import { AppError } from "../../../base/errors.ts"
import { newEvent } from "../../../canonical/events.ts"
import type { Translation } from "../../../ports/capabilities/intake.ts"
import type { TranslationContext } from "../orders/placed-order.ts"
import { availableOf, levelAt, variantOf } from "./read-levels.ts"

/**
 * `{ type: "stock.changed", at, variant }`: the plugin posts it for each stock movement of the shop, whosever, with the levels of the variant
 * as they are when it is posted. What changed is not said: one event for each of our places at which the variant has a level.
 */
export function levelsTold(
  told: { at?: unknown; variant?: unknown },
  { system, stock = {} }: Pick<TranslationContext, "system"> & { stock?: Readonly<Record<string, string>> },
): Translation {
  const at = typeof told.at === "string" && !Number.isNaN(Date.parse(told.at)) ? told.at : undefined
  if (at === undefined)
    throw new AppError("TRANSLATION_FAILED", "a level without its time", {
      problems: [{ pointer: "/at", message: "must be a time" }],
    })
  const variant = variantOf(told.variant)
  const events = Object.entries(stock)
    .filter(([, id]) => variant.levels.some(({ stockLocationId }) => stockLocationId === id))
    .map(([locationId, id]) => {
      const availableMilli = availableOf(levelAt(variant, id)) * 1000
      return newEvent({
        type: "stock.shown",
        fact: `${system}:level:${variant.id}:${id}:${at}:${availableMilli}`,
        source: system,
        time: at,
        data: { channel: system, articleId: variant.id, locationId, availableMilli, at },
      })
    })
  return events.length > 0 ? { events } : { events, ignored: "stock of a location that the connection does not name" }
}
