import { leavesShelf, shelfGoods, type Order, type OrderLine } from "../../../canonical/order.ts"
import { soldAs } from "../../../canonical/stock/made-of.ts"
import type { RoutedLine } from "../../../ports/capabilities/goods.ts"
import type { PlacedStockLine, StockLine } from "../../../ports/capabilities/stock.ts"
import type { EffectOf, OutputOf } from "../../../rules/fulfilment/actions.ts"
import { routeOrder, type Routing, type WantedLine } from "../../../rules/route-order.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { part } from "../../../durable/steps/step-name.ts"
import type { WorkNow } from "../work.ts"
import { knowArticles, withArticles } from "./articles.ts"
import { first, merged, newlySold, nothingKnown, takeApart, withGoods, type Goods } from "./kits.ts"
import { decideShortage, waitForGoods, waitWithHeld } from "./shortage.ts"
import { goodsShipped } from "../facts.ts"
import type { OrderPolicies } from "../policies.ts"

type Context = RunContext<OrderPolicies>

/** The goods that must be on a shelf for some of a line. */
function stockLines(line: OrderLine, milli: number): StockLine[] {
  return shelfGoods(line, milli).map((goods) => ({ lineId: line.id, ...goods }))
}

/** Routed lines as units at locations. */
function placedStockLines(order: Order, routed: readonly RoutedLine[]): PlacedStockLine[] {
  return routed.flatMap((part) => {
    const line = order.lines.find((candidate) => candidate.id === part.lineId)
    return line ? stockLines(line, part.quantity.milli).map((stock) => ({ ...stock, locationId: part.locationId })) : []
  })
}

/** Lines that stock is kept for. */
function goodsOf(order: Order): OrderLine[] {
  return order.lines.filter((line) => leavesShelf(line) && line.quantity.milli > 0)
}

/**
 * Reserves everything or nothing, and returns the order with what its articles stand for and its kits are made of. A shortage raises an exception; a person
 * decides it, or the policy cancels the order. An article that nobody knows is no shortage (P-34).
 */
export async function reserveForOrder(
  step: Step,
  sold: Order,
  context: Context,
): Promise<{ order: Order; goods: Goods }> {
  if (goodsOf(sold).length === 0) return { order: sold, goods: nothingKnown }
  const shelved = { ...sold, lines: goodsOf(sold) }
  let goods = await takeApart(step, sold, { ...context, name: first, sold: soldAs(shelved) })
  let order = sold
  const stock = context.use("reservesStock")
  for (let attempt = 1; ; attempt += 1) {
    order = withGoods(sold, goods)
    const lines = goodsOf(order).flatMap((line) =>
      stockLines(line, line.quantity.milli).map((wanted) => pinned(line, wanted)),
    )
    const reserved = await step.effect(part("reserve stock", String(attempt)), {
      write: stock.reserve,
      input: { reservation: order.id, orderId: order.id, channel: order.channel, lines },
      key: `${order.id}-r${attempt}`,
      undo: {
        write: stock.release,
        input: { reservation: order.id, reason: "order taken back" },
        key: `${order.id}-r${attempt}-undo`,
      },
    })
    if (reserved.granted) break
    const skus = reserved.short.map(({ sku }) => sku)
    const { names } = goods
    const found = skus.length > 0 ? await knowArticles(step, sold, { ...context, attempt, skus, names }) : undefined
    if (found) {
      // What an article stands for may be a kit.
      const named = withArticles(shelved, { ...names, ...found })
      const sought = newlySold(named, withArticles(shelved, names))
      const taken = await takeApart(step, sold, { ...context, name: `named${attempt}`, sold: sought })
      goods = merged({ ...goods, names: { ...names, ...found } }, taken)
    } else if (!(await waitWithHeld(step, order, { ...context, attempt, skus })))
      await decideShortage(step, order, { ...context, attempt, lines, reserved })
  }
  step.announce("reserved", "reserved")
  return { order, goods }
}

/** Goods to be picked up are taken from that place and no other. */
function pinned(line: OrderLine, wanted: StockLine): StockLine {
  return line.fulfilment.method === "pickup" ? { ...wanted, locationId: line.fulfilment.locationId } : wanted
}

/** Reserves what an edit added, all of it or nothing. */
export function reserveForEdit(
  { label, reservation, wanted }: EffectOf<"reserve for edit">,
  { step, order, context }: WorkNow,
): Promise<OutputOf<"reserve for edit">> {
  const stock = context.use("reservesStock")
  const lines = wanted.flatMap(({ line, milli }) => stockLines(line, milli))
  return step.effect(part("reserve stock", label), {
    write: stock.reserve,
    input: { reservation, orderId: order.id, channel: order.channel, lines },
    undo: { write: stock.release, input: { reservation, reason: "order taken back" } },
  })
}

/** Books what a shipment took off the shelf. */
export async function consumeStock(
  { shipment, reservation, lines }: EffectOf<"consume stock">,
  { step, order, context }: WorkNow,
): Promise<undefined> {
  const { id: shipmentId, locationId, shippedAt } = shipment
  const name = reservation === order.id ? shipmentId : `${shipmentId}:${reservation}`
  await step.effect(part("consume stock", name), {
    write: context.use("reservesStock").consume,
    input: { reservation, shipmentId, shippedAt, lines: placedStockLines(order, lines) },
    lane: "stock",
    tells: () => goodsShipped({ step, order, name }, { shipmentId, locationId, lines, at: shippedAt }),
  })
}

/** Gives back what is still reserved of a complete order. */
export async function giveBackStock(
  { reservation }: EffectOf<"give back leftover stock">,
  { step, context }: WorkNow,
): Promise<undefined> {
  await step.effect(part("give back leftover stock", reservation), {
    write: context.use("reservesStock").release,
    input: { reservation, reason: "the order is complete" },
    lane: "stock",
  })
}

interface Wish {
  reservation: string
  wanted: readonly { line: OrderLine; milli: number }[]
  /** Locations not to be asked again, because they said they have nothing. */
  without?: readonly string[]
  /** The lines that locations are responsible for already under this reservation, shipped units included. */
  standing?: readonly RoutedLine[]
}

/** One attempt to choose locations and to allocate the reservation there; `name` tells attempts apart. */
export async function routeOnce(
  step: Step,
  order: Order,
  context: Context & { request: Wish & { name: string } },
): Promise<{ routing: Routing; isPlaced: boolean }> {
  const { name, reservation, wanted, without = [], standing = [] } = context.request
  const routing = await step.decide(part("choose locations", name), () =>
    chooseLocations(order, { wanted, without }, context.policies),
  )
  if (routing.unfilled.length > 0) return { routing, isPlaced: false }
  const added = placedStockLines(order, routing.lines)
  // An allocation states in full what it wants of every SKU it names.
  const kept = placedStockLines(order, standing).filter(({ sku }) => added.some((line) => line.sku === sku))
  const allocated = await step.effect(part("allocate stock", name), {
    write: context.use("reservesStock").allocate,
    input: { reservation, lines: [...kept, ...added] },
  })
  return { routing, isPlaced: allocated.granted }
}

/** Chooses locations and allocates the reservation there. If another order takes the goods in the meantime, it routes again. */
export async function routeAndAllocate(
  step: Step,
  order: Order,
  context: Context & { request?: Wish & { label: string } },
): Promise<Routing> {
  const { label, ...wish } = context.request ?? {
    label: "",
    reservation: order.id,
    wanted: goodsOf(order).map((line) => ({ line, milli: line.quantity.milli })),
  }
  if (wish.wanted.length === 0) return { lines: [], unfilled: [], explanation: "nothing to ship" }
  for (let attempt = 1; ; attempt += 1) {
    const name = `${label}${attempt}`
    const { routing, isPlaced } = await routeOnce(step, order, { ...context, request: { ...wish, name } })
    if (isPlaced) {
      step.settle(part("goods are nowhere", label), { action: "acknowledge", reason: "a location has the goods" })
      if (label === "") step.announce("routed", "routed", { reason: routing.explanation, ...onePlace(routing) })
      return routing
    }
    if (routing.unfilled.length > 0 || attempt % 5 === 0)
      await waitForGoods(step, order, { ...context, routing, label, name })
  }
}

/** Where an order is when all of it ships from one place. */
function onePlace({ lines }: Routing): { place?: string } {
  const [place, ...others] = new Set(lines.map(({ locationId }) => locationId))
  return place === undefined || others.length > 0 ? {} : { place }
}

async function chooseLocations(
  order: Order,
  request: { wanted: readonly { line: OrderLine; milli: number }[]; without: readonly string[] },
  policies: OrderPolicies,
): Promise<Routing> {
  const wanted = request.wanted.map(({ line, milli }) => wantedLine(line, milli))
  const skus = [...new Set(wanted.flatMap((line) => line.needs.map((need) => need.sku)))]
  const [allLocations, stock] = await Promise.all([policies.locations(), policies.freeStock(skus)])
  const locations = allLocations.filter((location) => !request.without.includes(location.id))
  const destination = order.shippingAddress ? policies.locate(order.shippingAddress) : undefined
  const input = { locations, stock, destination, weights: policies.routing }
  const pickups = request.wanted.filter(({ line }) => line.fulfilment.method === "pickup")
  const shipped = routeOrder({
    ...input,
    wanted: wanted.filter((line) => !pickups.some((pickup) => pickup.line.id === line.lineId)),
  })
  const routings = [shipped, ...pickups.map(({ line, milli }) => routePickup(line, milli, input))]
  return {
    lines: routings.flatMap((routing) => routing.lines),
    unfilled: routings.flatMap((routing) => routing.unfilled),
    explanation:
      [...new Set(routings.filter((routing) => routing.lines.length > 0).map((routing) => routing.explanation))].join(
        "; ",
      ) || shipped.explanation,
  }
}

function routePickup(line: OrderLine, milli: number, input: Omit<Parameters<typeof routeOrder>[0], "wanted">): Routing {
  const place = line.fulfilment.method === "pickup" ? line.fulfilment.locationId : ""
  const locations = input.locations.filter((location) => location.id === place)
  const routing = routeOrder({ ...input, locations, wanted: [wantedLine(line, milli)] })
  return { ...routing, explanation: `pickup at ${place}` }
}

function wantedLine(line: OrderLine, milli: number): WantedLine {
  const { unit } = line.quantity
  return {
    lineId: line.id,
    sku: line.sku,
    milli,
    unit,
    needs: stockLines(line, milli),
    // Kits and sales units leave whole.
    stepMilli: unit === "ea" || line.components ? 1000 : 1,
  }
}
