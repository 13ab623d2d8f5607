import { AppError } from "../../../base/errors.ts"
import { newEvent, type NewEvent } from "../../../canonical/events.ts"
import type { EventData } from "../../../canonical/events.ts"
import type { Translation } from "../../../ports/capabilities/intake.ts"
import { reference } from "../../../ports/write.ts"
import { objectOf } from "../client.ts"
import { idOf, momentOf, textOf } from "../payloads.ts"
import type { TrytonOptions } from "../sales/sale.ts"
import { isOurs, type ToldMove } from "./moves.ts"

type Moved = EventData<"stock.moved">
/** What a move is at one of our places: which movement, and what goes with it. */
type AtPlace = Pick<Moved, "movement" | "locationId" | "milli"> & Partial<Moved>

/** What a move of goods is at our places. */
export function translateMove(
  told: ToldMove,
  { settings, system }: Pick<TrytonOptions, "settings" | "system">,
): Translation {
  const { move } = told
  const id = idOf(move)
  const product = objectOf(move["product."])
  if (typeof product["code"] !== "string") return { events: [], ignored: "its product has no code" }
  const { milli, unit } = quantityOf(move, product["default_uom"], settings.units)
  const movedAt = momentOf(move["write_date"])
  if (movedAt === undefined)
    throw new AppError("TRANSLATION_FAILED", `move ${id} has no time`, {
      problems: [{ pointer: "/move/write_date", message: "is no time" }],
    })
  const parts = told.from.place === told.to.place ? [] : [...leaving(told, milli), ...arriving(told, milli)]
  const events = parts.map((part): NewEvent =>
    newEvent({
      type: "stock.moved",
      fact: `${system}:move:${id}:${part.locationId}`,
      source: system,
      time: movedAt,
      data: { ...part, sku: textOf(product, "code"), unit, movedAt, document: reference(system, "move", String(id)) },
    }),
  )
  return events.length > 0 && milli > 0 ? { events } : { events: [], ignored: "it stays at its place" }
}

function quantityOf(
  move: Record<string, unknown>,
  uom: unknown,
  units: Readonly<Record<string, number>>,
): { milli: number; unit: string } {
  const [unit] = Object.entries(units).find(([, id]) => id === uom) ?? []
  const quantity = move["internal_quantity"]
  const problems = [
    ...(unit === undefined
      ? [{ pointer: "/move/product./default_uom", message: `no unit of ours stands for Tryton's unit ${String(uom)}` }]
      : []),
    ...(typeof quantity === "number" && quantity >= 0
      ? []
      : [{ pointer: "/move/internal_quantity", message: "is no quantity" }]),
  ]
  if (unit === undefined || typeof quantity !== "number" || problems.length > 0)
    throw new AppError("VENDOR_VALUE_UNKNOWN", problems.map(({ message }) => message).join("; "), { problems })
  // Tryton's quantities are floats with the digits of their unit.
  return { milli: Math.round(quantity * 1000), unit }
}

/** Goods that left a place of ours. */
function leaving(told: ToldMove, milli: number): AtPlace[] {
  const { from, to, transfer } = told
  const locationId = from.place
  if (locationId === undefined) return []
  const target = to.place ?? (to.type === "storage" ? transfer?.to : undefined)
  if (target !== undefined && target !== locationId) {
    const shipped = { movement: "transfer shipped" as const, locationId, toLocationId: target, milli }
    return [{ ...shipped, ...(transfer?.id !== undefined && { transferId: transfer.id }) }]
  }
  if (to.type === "customer")
    return isOurs(told)
      ? [{ movement: "pick", locationId, milli, orderId: told.sale ?? "" }]
      : [{ movement: "pick", locationId, milli, reason: "a sale of Tryton" }]
  return [{ movement: "adjustment", locationId, milli: -milli, reason: `to ${to.name}` }]
}

/** Goods that came to a place of ours. */
function arriving(told: ToldMove, milli: number): AtPlace[] {
  const { from, to, transfer } = told
  const locationId = to.place
  if (locationId === undefined) return []
  const origin = from.place ?? (from.type === "storage" ? transfer?.from : undefined)
  if (origin !== undefined && origin !== locationId) {
    const received = { movement: "transfer received" as const, locationId, milli }
    return [{ ...received, ...(transfer?.id !== undefined && { transferId: transfer.id }) }]
  }
  if (from.type === "supplier") return [{ movement: "receipt", locationId, milli }]
  if (from.type === "customer") return [{ movement: "return", locationId, milli }]
  return [{ movement: "adjustment", locationId, milli, reason: `from ${from.name}` }]
}
