import { newEvent } from "../../../canonical/events.ts"
import type { Translation } from "../../../ports/capabilities/intake.ts"
import type { Reader } from "../orders/reader.ts"
import type { TranslationContext } from "../to-canonical.ts"

export const levelTopic = "inventory_levels/update"

/**
 * `inventory_levels/update` names the inventory item by number, and neither its SKU nor who changed it: the shop sends it for its own
 * sales, for edits in its admin, and for what we write. `available` is null where the item is not stocked any more.
 * https://shopify.dev/docs/api/webhooks (2026-10)
 */
export function levelTold(body: Reader, { context }: { context: TranslationContext }): Translation {
  const articleId = body.id("inventoryItemId")
  const shopLocation = body.id("locationId")
  const available = body.raw("available")
  const at = body.moment("updatedAt")
  body.settle(levelTopic)
  const locationId = context.places.get(shopLocation)
  if (locationId === undefined)
    return { events: [], ignored: "a location of the shop that the connection does not name" }
  if (typeof available !== "number")
    return { events: [], ignored: "the shop does not stock the article there any more" }
  const { system } = context
  const event = newEvent({
    type: "stock.shown",
    fact: `${system}:level:${articleId}:${shopLocation}:${at}:${available}`,
    source: system,
    time: at,
    data: { channel: system, articleId, locationId, availableMilli: available * 1000, at },
  })
  return { events: [event] }
}
