import { cut } from "../../base/text.ts"
import { AppError } from "../../base/errors.ts"
import { quantityToDecimal, type Quantity } from "../../base/quantity.ts"
import type { BusinessDate } from "../../base/time.ts"
import type { RecordedDelivery, RecordsDeliveries } from "../../ports/capabilities/books.ts"
import type { Call } from "../../ports/write.ts"
import { isSameQuantity, readOrder, type SapOptions } from "./books-orders.ts"
import { dayText, literal, rowsOf, textOf } from "../../protocols/odata-v2.ts"
import { lineReference, plantOf } from "./from-canonical.ts"
import { deliveryExpand, readDelivery, type Delivery } from "./payloads.ts"

type Context = Omit<Call, "key">
type Input = Parameters<RecordsDeliveries["recordDelivery"]["send"]>[0]
type Wanted = { item: string; quantity: Quantity }

const service = "/API_OUTBOUND_DELIVERY_SRV;v=0002"

/**
 * A delivery takes four steps: created, labelled with our reference, picked, goods issued. SAP creates it from its items
 * alone, so it is found by the order's items, and the label tells ours from others'. Only the last step records in the
 * books that goods left: a delivery counts as recorded once it is issued, and `send` goes on where an earlier attempt
 * stopped.
 */
export function recordsDeliveries(options: SapOptions): RecordsDeliveries {
  return {
    recordDelivery: {
      async probe(input, call) {
        const found = labelled(await deliveriesOf(input.documentNumber, call, options), call.key)
        return found?.isIssued ? recorded(found.number, options) : undefined
      },
      async send(input, call) {
        const all = await deliveriesOf(input.documentNumber, call, options)
        const found = labelled(all, call.key) ?? (await unlabelled(all, input, { ...options, call }))
        return recorded(await finish(found, labelOf(input, call), { ...options, call }), options)
      },
    },
  }
}

export function recorded(number: string, { system }: SapOptions): RecordedDelivery {
  return { documentNumber: number, reference: { system, type: "outbound delivery", id: number } }
}

/** Every delivery with an item of the sales order. */
export async function deliveriesOf(order: string, call: Context, { client }: SapOptions): Promise<Delivery[]> {
  const filter = `ReferenceSDDocument%20eq%20${literal(order)}`
  const path = `${service}/A_OutbDeliveryItem?$filter=${filter}&$select=DeliveryDocument`
  const numbers = rowsOf(await client.get(path, call)).map((row) => textOf(row, "DeliveryDocument"))
  return Promise.all([...new Set(numbers)].map((number) => readDeliveryOf(number, call, client)))
}

export async function readDeliveryOf(number: string, call: Context, client: SapOptions["client"]): Promise<Delivery> {
  const path = `${service}/A_OutbDeliveryHeader(${literal(number)})?$expand=${deliveryExpand}`
  return readDelivery(await client.get(path, call))
}

function labelled(all: readonly Delivery[], key: string): Delivery | undefined {
  const mine = all.filter(({ label }) => label === key)
  if (mine.length < 2) return mine[0]
  const numbers = mine.map(({ number }) => number)
  throw new AppError("VENDOR_MISBEHAVED", `deliveries ${numbers.join(" and ")} both carry ${key}`)
}

/**
 * A delivery of exactly these goods that nobody has labelled or issued, or else a new one. It is what an earlier attempt
 * created before its answer was lost, or another of this order's that moves the same goods: either is as good.
 */
async function unlabelled(
  all: readonly Delivery[],
  input: Input,
  options: SapOptions & { call: Context },
): Promise<Delivery> {
  const wanted = await wantedItems(input, options)
  const free = all.find((delivery) => delivery.label === "" && !delivery.isIssued && holds(delivery, wanted))
  return free ?? create(input.documentNumber, wanted, options)
}

function holds({ items }: Delivery, wanted: readonly Wanted[]): boolean {
  const isThere = ({ item, quantity }: Wanted) =>
    items.some((row) => itemNumber(row.item) === itemNumber(item) && isSameQuantity(row.quantityText, quantity))
  return items.length === wanted.length && wanted.every(isThere)
}

/** SAP writes item numbers with leading zeros in one service and without them in another. */
function itemNumber(text: string): string {
  return text.replace(/^0+(?=\d)/, "")
}

/** The items of the sales order that this shipment delivers. */
async function wantedItems(input: Input, options: SapOptions & { call: Context }): Promise<Wanted[]> {
  const order = await readOrder(input.documentNumber, options.call, options)
  return input.lines.map((line) => {
    const plant = plantOf(line.locationId, options.settings)
    const ofLine = order.items.filter((item) => !item.isRejected && item.lineReference === lineReference(line.lineId))
    const item = ofLine.find((candidate) => candidate.plant === plant) ?? ofLine[0]
    if (!item)
      throw new AppError("VENDOR_REJECTED", `sales order ${order.number} has no open item for line ${line.lineId}`)
    return { item: item.item, quantity: line.quantity }
  })
}

async function create(
  order: string,
  wanted: readonly Wanted[],
  { client, call }: SapOptions & { call: Context },
): Promise<Delivery> {
  const rows = wanted.map(({ item, quantity }) => ({
    ReferenceSDDocument: order,
    ReferenceSDDocumentItem: item,
    ActualDeliveryQuantity: quantityToDecimal(quantity),
    ...(quantity.unit !== "ea" && { DeliveryQuantityUnit: quantity.unit.toUpperCase() }),
  }))
  const body = { to_DeliveryDocumentItem: { results: rows } }
  const created = await client.change({ method: "POST", path: `${service}/A_OutbDeliveryHeader`, body }, call)
  const delivery = await readDeliveryOf(textOf(created, "DeliveryDocument"), call, client)
  if (holds(delivery, wanted)) return delivery
  // Items of different shipping points go into one delivery each, and the answer has only the first.
  throw new AppError("VENDOR_CONFLICT", `SAP split the goods of one shipment: delivery ${delivery.number} lacks some`)
}

/** The fields that make a delivery ours, which SAP takes only once the delivery is there. */
function labelOf({ shipment, postingDate }: Input, call: Call): Label {
  const fields = {
    DeliveryDocumentBySupplier: call.key,
    ActualGoodsMovementDate: dayText(postingDate),
    ...(shipment.trackingNumber !== undefined && { BillOfLading: cut(shipment.trackingNumber, 35) }),
    ...(shipment.carrier !== undefined && { MeansOfTransport: cut(shipment.carrier, 20) }),
  }
  return { key: call.key, postingDate, fields }
}

type Label = { key: string; postingDate: BusinessDate; fields: Record<string, string> }
type Next = { step: string; method: "PATCH" | "POST"; path: string; body?: Record<string, string> }

function nextStep(delivery: Delivery, label: Label): Next | undefined {
  const { number } = delivery
  const act = (name: string): Next => {
    return { step: name, method: "POST", path: `${service}/${name}?DeliveryDocument=${literal(number)}` }
  }
  if (delivery.isIssued) return undefined
  const isOurs = delivery.label === label.key
  if (delivery.label !== "" && !isOurs)
    throw new AppError("VENDOR_UNAVAILABLE", `another shipment took delivery ${number}: this one looks again`, {
      retryAfterMs: 200,
    })
  if (!isOurs || delivery.movedOn !== label.postingDate)
    return {
      step: "label",
      method: "PATCH",
      path: `${service}/A_OutbDeliveryHeader(${literal(number)})`,
      body: label.fields,
    }
  return delivery.isPicked ? act("PostGoodsIssue") : act("PickAllItems")
}

const conflictsMax = 5

/**
 * Takes the steps that are left, each with the version that the delivery has now. Another writer's change makes a step a
 * conflict; the delivery is then read again and the steps go on from what it is.
 */
async function finish(
  found: Delivery,
  label: Label,
  { client, call }: SapOptions & { call: Context },
): Promise<string> {
  const answered = new Set<string>()
  let conflicts = 0
  let delivery = found
  for (;;) {
    const next = nextStep(delivery, label)
    if (!next) return delivery.number
    const { step, ...request } = next
    if (answered.has(step))
      throw new AppError("VENDOR_CONFLICT", `${step} of delivery ${delivery.number} returned success and was not done`)
    try {
      await client.change({ ...request, etag: delivery.etag }, call)
      answered.add(step)
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== "VENDOR_CONFLICT" || ++conflicts > conflictsMax) throw thrown
    }
    delivery = await readDeliveryOf(delivery.number, call, client)
  }
}
