import { GraphQLError } from "graphql"
import type { Call } from "../../simulator.ts"
import { gid, idOf } from "../graph/paging.ts"
import type { View } from "../graph/views/part-views.ts"
import type { ShopStore } from "../store.ts"

export type SetQuantitiesInput = {
  name: string
  reason: string
  referenceDocumentUri?: string | null
  quantities: { inventoryItemId: string; locationId: string; quantity: number; changeFromQuantity?: number | null }[]
}

type QuantityError = { code: string; field: string[]; message: string }

// InventorySetQuantitiesUserErrorCode, Admin API 2026-10; the codes and their sentences are the schema's.
const quantityMax = 1_000_000_000

// https://shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps/manage-quantities-states (read 2026-11)
const reasons = new Set([
  "correction",
  "cycle_count_available",
  "damaged",
  "movement_created",
  "movement_updated",
  "movement_received",
  "movement_canceled",
  "other",
  "promotion",
  "quality_control",
  "received",
  "reservation_created",
  "reservation_deleted",
  "reservation_updated",
  "restock",
  "safety_stock",
  "shrinkage",
])

/**
 * `inventorySetQuantities` as of 2026-10: one bad quantity and the mutation fails as a whole, nothing is set.
 * `changeFromQuantity` must be given, if only as null.
 * https://shopify.dev/changelog/posts/making-changefromquantity-field-required (read 2026-11)
 */
export function setQuantities(store: ShopStore, input: SetQuantitiesInput, call: Call): View {
  if (input.quantities.some(({ changeFromQuantity }) => changeFromQuantity === undefined))
    // The words were seen on a live shop: github.com/luke-selrai/openclaw-workshop-kit/issues/218.
    throw new GraphQLError("InventoryQuantityInput must include the following argument: changeFromQuantity.", {
      extensions: { code: "INVALID_FIELD_ARGUMENTS" },
    })
  const errors = [...inputErrors(input), ...input.quantities.flatMap((_one, index) => errorsOf(store, input, index))]
  if (errors.length > 0) return { inventoryAdjustmentGroup: null, userErrors: errors }
  call.commit(() => {
    for (const { inventoryItemId, locationId, quantity } of input.quantities) {
      const item = store.inventory.items.get(idOf("InventoryItem", inventoryItemId) ?? 0)
      if (item)
        store.inventory.set(item, idOf("Location", locationId) ?? 0, { to: quantity, reason: input.reason, by: "app" })
    }
  })
  return {
    inventoryAdjustmentGroup: {
      id: gid("InventoryAdjustmentGroup", store.nextId()),
      reason: input.reason,
      referenceDocumentUri: input.referenceDocumentUri ?? null,
    },
    userErrors: [],
  }
}

function inputErrors({ name, reason, referenceDocumentUri }: SetQuantitiesInput): QuantityError[] {
  const errors: QuantityError[] = []
  const add = (code: string, field: string, message: string) => errors.push({ code, field: ["input", field], message })
  if (name !== "available")
    add(
      "INVALID_NAME",
      "name",
      "The quantity name must be either 'available' or 'on_hand'. (The lab keeps available only.)",
    )
  if (!reasons.has(reason)) add("INVALID_REASON", "reason", "The specified reason is invalid.")
  if (referenceDocumentUri && !/^[a-z][a-z\d+.-]*:\/\//.test(referenceDocumentUri))
    add("INVALID_REFERENCE_DOCUMENT", "referenceDocumentUri", "The specified reference document is invalid.")
  return errors
}

function errorsOf(store: ShopStore, input: SetQuantitiesInput, index: number): QuantityError[] {
  const given = input.quantities[index]
  if (!given) return []
  const at = (field: string) => ["input", "quantities", String(index), field]
  const { inventoryItemId, locationId, quantity, changeFromQuantity } = given
  const item = store.inventory.items.get(idOf("InventoryItem", inventoryItemId) ?? 0)
  if (!item)
    return [
      {
        code: "INVALID_INVENTORY_ITEM",
        field: at("inventoryItemId"),
        message: "The specified inventory item could not be found.",
      },
    ]
  const available = item.available.get(idOf("Location", locationId) ?? 0)
  if (available === undefined)
    return [
      { code: "INVALID_LOCATION", field: at("locationId"), message: "The specified location could not be found." },
    ]
  if (item.isBundle)
    return [
      {
        code: "NON_MUTABLE_INVENTORY_ITEM",
        field: at("inventoryItemId"),
        message: "The specified inventory item is not allowed to be adjusted via API.",
      },
    ]
  const isRepeated = input.quantities.some(
    (other, place) => place < index && other.inventoryItemId === inventoryItemId && other.locationId === locationId,
  )
  if (isRepeated)
    return [
      {
        code: "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
        field: at("inventoryItemId"),
        message: "The combination of inventoryItemId and locationId must be unique.",
      },
    ]
  if (quantity < 0)
    return [{ code: "INVALID_QUANTITY_NEGATIVE", field: at("quantity"), message: "The quantity can't be negative." }]
  if (quantity > quantityMax)
    return [
      {
        code: "INVALID_QUANTITY_TOO_HIGH",
        field: at("quantity"),
        message: "The total quantity can't be higher than 1,000,000,000.",
      },
    ]
  if (typeof changeFromQuantity === "number" && changeFromQuantity !== available)
    return [
      {
        code: "CHANGE_FROM_QUANTITY_STALE",
        field: at("changeFromQuantity"),
        message: "The changeFromQuantity value does not match persisted value.",
      },
    ]
  return []
}
