import { shelfGoods, type Order } from "../../canonical/order.ts"
import type { Address } from "../../canonical/parts.ts"
import { AppError } from "../../base/errors.ts"
import type { RoutedLine } from "../../ports/capabilities/goods.ts"
import { houseAddress } from "../../protocols/house-http.ts"
import type { RequestedLine, ShipmentRequest } from "./payloads.ts"

export interface Release {
  order: Order
  locationId: string
  lines: RoutedLine[]
  promisedBy?: string
}

/** Suffix of the second request's id, for a release in which some lines are shipped and others collected at one location. */
export const pickupSuffix = ".pickup"

/**
 * The requests of a release: one, or two when some lines are shipped and others collected, because a request has one
 * method. The shipped part keeps the key itself.
 */
export function requestsFor(
  release: Release,
  options: { key: string; homeAddress: Address | undefined },
): ShipmentRequest[] {
  const collected = release.lines.filter((line) => isCollected(release.order, line))
  const shipped = release.lines.filter((line) => !collected.includes(line))
  const request = (method: "ship" | "pickup", lines: RoutedLine[]): ShipmentRequest => ({
    requestId: method === "pickup" && shipped.length > 0 ? `${options.key}${pickupSuffix}` : options.key,
    orderId: release.order.id,
    orderNumber: release.order.number,
    locationId: release.locationId,
    method,
    ...(release.promisedBy === undefined ? {} : { promisedBy: release.promisedBy }),
    shipTo: houseAddress(release.order, options.homeAddress),
    lines: wireLines(lines).map((line) => withComponents(release.order, line)),
  })
  return [
    ...(shipped.length > 0 ? [request("ship", shipped)] : []),
    ...(collected.length > 0 ? [request("pickup", collected)] : []),
  ]
}

function isCollected(order: Order, routed: RoutedLine): boolean {
  return order.lines.find((line) => line.id === routed.lineId)?.fulfilment.method === "pickup"
}

/** The protocol takes each lineId once, so parts of one line are summed. */
function wireLines(lines: RoutedLine[]): RequestedLine[] {
  const byLine = new Map<string, RequestedLine>()
  for (const { lineId, sku, quantity } of lines) {
    const known = byLine.get(lineId)
    if (known === undefined) byLine.set(lineId, { lineId, sku, quantityMilli: quantity.milli, unit: quantity.unit })
    else if (known.sku === sku && known.unit === quantity.unit) known.quantityMilli += quantity.milli
    else
      throw new AppError("REQUEST_INVALID", `line ${lineId} is routed as ${known.sku} and as ${sku}`, {
        problems: [{ pointer: "/lines", message: `line ${lineId} has two SKUs or units` }],
      })
  }
  return [...byLine.values()]
}

/** Pickers take a kit from the shelf piece by piece, and their system need not know what it is made of. */
function withComponents({ lines }: Order, wire: RequestedLine): RequestedLine {
  const line = lines.find(({ id }) => id === wire.lineId)
  if (!line?.components) return wire
  const units = new Map(line.components.map(({ sku, quantity }) => [sku, quantity.unit]))
  const components = shelfGoods(line, wire.quantityMilli).map(({ sku, milli }) => {
    return { sku, quantityMilli: milli, unit: units.get(sku) ?? wire.unit }
  })
  return { ...wire, components }
}
