import { AppError } from "../../../base/errors.ts"
import type { HeldPart } from "../../../canonical/events/orders.ts"
import type { Call } from "../../../ports/write.ts"
import { gid, type UpdateOptions } from "../client.ts"
import {
  moveFulfilmentOrder,
  readFulfilmentOrderLines,
  readFulfilmentOrders,
  readFulfilmentStates,
} from "../graph/operations.ts"
import type { Reader } from "../orders/reader.ts"
import { heldPart, linesOf } from "./held-part.ts"

// FulfillmentOrder and its statuses, Admin API 2026-10. CLOSED, CANCELLED and INCOMPLETE ones take no more units; what is left of an
// incomplete one is planned again in another.

export type Connection = UpdateOptions & { call: Omit<Call, "key"> }

/** A fulfilment order that still takes units, or will when it is no longer on hold or its time has come. */
export interface OpenWork {
  id: string
  isHeld: boolean
  /** Global id of the assigned location; empty when the location is gone. */
  location: string
  lines: { id: string; lineId: string; remaining: number }[]
}

/** The order as the query returns it. VENDOR_REJECTED when the shop does not have it. */
export async function orderOf(
  document: string,
  variables: { id: string; after?: string },
  { client, call }: Connection,
): Promise<Reader> {
  const data = await client.read({ document, variables, call })
  if (!data.has("order")) throw new AppError("VENDOR_REJECTED", `the shop has no order ${variables.id}`)
  return data.object("order")
}

/** What the shop has still to fulfil of an order. VENDOR_CONFLICT while it has planned nothing at all. */
export async function openWork(externalId: string, connection: Connection): Promise<OpenWork[]> {
  const work: OpenWork[] = []
  let isPlanned = false
  let after: string | undefined
  do {
    const variables = { id: gid("Order", externalId), ...(after !== undefined && { after }) }
    const order = await orderOf(readFulfilmentOrders, variables, connection)
    const page = order.object("fulfillmentOrders")
    for (const one of page.list("nodes")) {
      isPlanned = true
      if (["OPEN", "IN_PROGRESS", "ON_HOLD", "SCHEDULED"].includes(one.text("status")))
        work.push(await readWork(one, connection))
    }
    const info = page.object("pageInfo")
    after = info.flag("hasNextPage") ? info.text("endCursor") : undefined
    order.settleAnswer("the order's fulfilment orders")
  } while (after !== undefined)
  if (!isPlanned) throw new AppError("VENDOR_CONFLICT", "the shop has not planned how to fulfil the order yet")
  return work
}

async function readWork(fulfilmentOrder: Reader, { client, call }: Connection): Promise<OpenWork> {
  const id = fulfilmentOrder.text("id")
  const isCut = fulfilmentOrder.object("lineItems").object("pageInfo").flag("hasNextPage")
  const whole = isCut
    ? (await client.read({ document: readFulfilmentOrderLines, variables: { id }, call })).object("fulfillmentOrder")
    : fulfilmentOrder
  return {
    id,
    isHeld: ["ON_HOLD", "SCHEDULED"].includes(fulfilmentOrder.text("status")),
    location: fulfilmentOrder.object("assignedLocation").optionalObject("location")?.text("id") ?? "",
    lines: readLines(whole),
  }
}

function readLines(fulfilmentOrder: Reader): OpenWork["lines"] {
  const lines = linesOf(fulfilmentOrder)
  fulfilmentOrder.settleAnswer("the lines of a fulfilment order")
  return lines
}

/** Units of one fulfilment order. */
export interface Taken {
  work: OpenWork
  lines: { id: string; lineId: string; quantity: number }[]
}

/**
 * Chooses the open fulfilment orders for the missing units, those at the place first. Lines are matched by id, never by SKU (P-17).
 * Also returns the units that are on hold, and those that the shop has not open at all.
 */
export function takeFrom(work: readonly OpenWork[], missing: ReadonlyMap<string, number>, place: string | undefined) {
  const left = new Map(missing)
  const take = (from: readonly OpenWork[]): Taken[] =>
    from.flatMap((one) => {
      const lines = one.lines.flatMap(({ id, lineId, remaining }) => {
        const quantity = Math.min(left.get(lineId) ?? 0, remaining)
        left.set(lineId, (left.get(lineId) ?? 0) - quantity)
        return quantity > 0 ? [{ id, lineId, quantity }] : []
      })
      return lines.length > 0 ? [{ work: one, lines }] : []
    })
  const isElsewhere = ({ location }: OpenWork) => Number(location !== place)
  const sorted = [...work].sort((a, b) => isElsewhere(a) - isElsewhere(b))
  const taken = take(sorted.filter(({ isHeld }) => !isHeld))
  const held = take(sorted.filter(({ isHeld }) => isHeld))
  return { taken, held, notOpen: [...left].filter(([, quantity]) => quantity > 0) }
}

/** Assigns units to the place they left from. Returns the shop's words when it refuses: the units stay where they are. */
export async function moveTo(
  place: string,
  { work, lines }: Taken,
  { client, call }: Connection,
): Promise<Taken | { refused: string }> {
  const variables = { id: work.id, location: place, lines: lines.map(({ id, quantity }) => ({ id, quantity })) }
  const payload = (await client.write({ document: moveFulfilmentOrder, variables, call })).object(
    "fulfillmentOrderMove",
  )
  const errors = payload.list("userErrors").map((error) => error.optionalText("message") ?? "")
  if (errors.length > 0) return { refused: errors.join("; ") }
  const moved = payload.object("movedFulfillmentOrder")
  const there = readLines(moved)
  return {
    work: { ...work, id: moved.text("id"), location: place, lines: there },
    lines: lines.map(({ lineId, quantity }) => {
      const found = there.find((line) => line.lineId === lineId && line.remaining >= quantity)
      if (!found)
        throw new AppError("VENDOR_MISBEHAVED", `line ${lineId} is not in the fulfilment order it was moved to`)
      return { id: found.id, lineId, quantity }
    }),
  }
}

/**
 * What the shop holds back of an order. For few points: lines are read only of fulfilment orders that are on hold or scheduled.
 */
export async function readHolds(externalId: string, connection: Connection): Promise<HeldPart[]> {
  const parts: HeldPart[] = []
  let after: string | undefined
  do {
    const variables = { id: gid("Order", externalId), ...(after !== undefined && { after }) }
    const order = await orderOf(readFulfilmentStates, variables, connection)
    const page = order.object("fulfillmentOrders")
    for (const one of page.list("nodes")) {
      const isWaiting = ["ON_HOLD", "SCHEDULED"].includes(one.text("status"))
      parts.push(heldPart(one, isWaiting ? await linesById(one.text("id"), connection) : []))
    }
    const info = page.object("pageInfo")
    after = info.flag("hasNextPage") ? info.text("endCursor") : undefined
    order.settleAnswer("the states of the order's fulfilment orders")
  } while (after !== undefined)
  return parts
}

async function linesById(id: string, { client, call }: Connection): Promise<OpenWork["lines"]> {
  const data = await client.read({ document: readFulfilmentOrderLines, variables: { id }, call })
  return readLines(data.object("fulfillmentOrder"))
}
