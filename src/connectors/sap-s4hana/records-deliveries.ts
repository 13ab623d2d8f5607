import { cut } from "../../base/text.ts"
import { AppError } from "../../base/errors.ts"
import { quantityToDecimal } from "../../base/quantity.ts"
import type { RecordedDelivery, RecordsDeliveries } from "../../ports/capabilities/books.ts"
import type { Call } from "../../ports/write.ts"
import type { SapOptions } from "./books-orders.ts"
import { fieldOf, literal, rowsOf, textOf } from "../../protocols/odata-v2.ts"
import { lineReference, plantOf } from "./from-canonical.ts"
import { readSalesOrder, salesOrderExpand } from "./payloads.ts"

type Context = Omit<Call, "key">
type Input = Parameters<RecordsDeliveries["recordDelivery"]["send"]>[0]

const service = "/API_OUTBOUND_DELIVERY_SRV;v=0002"

interface FoundDelivery {
  number: string
  isPicked: boolean
  isIssued: boolean
}

/**
 * A delivery takes three steps: created with our reference, picked, goods issued. Only the last one records in the
 * books that goods left. So a delivery counts as recorded once it is issued, and `send` continues where an earlier
 * attempt stopped.
 */
export function recordsDeliveries(options: SapOptions): RecordsDeliveries {
  const { client } = options
  return {
    recordDelivery: {
      async probe(_input, call) {
        const found = await findDelivery(call.key, call, options)
        return found?.isIssued ? recorded(found.number, options) : undefined
      },
      async send(input, call) {
        const found = (await findDelivery(call.key, call, options)) ?? (await create(input, call, options))
        const step = (name: string) =>
          client.change({ method: "POST", path: `${service}/${name}?DeliveryDocument=${literal(found.number)}` }, call)
        if (!found.isPicked) await step("PickAllItems")
        if (!found.isIssued) await step("PostGoodsIssue")
        // The responses of both functions do not show their effect.
        const after = await findDelivery(call.key, call, options)
        if (after?.isIssued) return recorded(found.number, options)
        throw new AppError(
          "VENDOR_CONFLICT",
          `the goods issue of delivery ${found.number} returned success but is not posted`,
        )
      },
    },
  }
}

function recorded(number: string, { system }: SapOptions): RecordedDelivery {
  return { documentNumber: number, reference: { system, type: "outbound delivery", id: number } }
}

async function findDelivery(key: string, call: Context, { client }: SapOptions): Promise<FoundDelivery | undefined> {
  const filter = `DeliveryDocumentBySupplier%20eq%20${literal(key)}`
  const rows = rowsOf(await client.get(`${service}/A_OutbDeliveryHeader?$filter=${filter}`, call)).map(readDelivery)
  if (rows.length > 1)
    throw new AppError(
      "VENDOR_MISBEHAVED",
      `deliveries ${rows.map((row) => row.number).join(" and ")} both carry ${key}`,
    )
  return rows[0]
}

function readDelivery(row: unknown): FoundDelivery {
  // Status C: done completely (domain STATV).
  return {
    number: textOf(row, "DeliveryDocument"),
    isPicked: fieldOf(row, "OverallPickingStatus") === "C",
    isIssued: fieldOf(row, "OverallGoodsMovementStatus") === "C",
  }
}

async function create(input: Input, call: Call, options: SapOptions): Promise<FoundDelivery> {
  const { client, settings } = options
  const path = `/API_SALES_ORDER_SRV/A_SalesOrder(${literal(input.documentNumber)})?$expand=${salesOrderExpand}`
  const order = readSalesOrder(await client.get(path, call))
  const rows = input.lines.map((line) => {
    const plant = plantOf(line.locationId, settings)
    const ofLine = order.items.filter((item) => !item.isRejected && item.lineReference === lineReference(line.lineId))
    const item = ofLine.find((candidate) => candidate.plant === plant) ?? ofLine[0]
    if (!item)
      throw new AppError("VENDOR_REJECTED", `sales order ${order.number} has no open item for line ${line.lineId}`)
    return {
      ReferenceSDDocument: order.number,
      ReferenceSDDocumentItem: item.item,
      ActualDeliveryQuantity: quantityToDecimal(line.quantity),
      ...(line.quantity.unit !== "ea" && { DeliveryQuantityUnit: line.quantity.unit.toUpperCase() }),
    }
  })
  const { shipment } = input
  const body = {
    DeliveryDocumentBySupplier: call.key,
    ...(shipment.trackingNumber !== undefined && { BillOfLading: cut(shipment.trackingNumber, 35) }),
    ...(shipment.carrier !== undefined && { MeansOfTransport: cut(shipment.carrier, 20) }),
    to_DeliveryDocumentItem: { results: rows },
  }
  return readDelivery(await client.change({ method: "POST", path: `${service}/A_OutbDeliveryHeader`, body }, call))
}
