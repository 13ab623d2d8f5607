import { newEvent, type EventData } from "../../canonical/events.ts"
import { leavesShelf, shelfGoods, type Order } from "../../canonical/order.ts"
import { ref } from "../../canonical/refs.ts"
import { returnKey } from "../../canonical/returns/keys.ts"
import { shelfOf, type InspectedLine } from "../../canonical/returns/parts.ts"
import { placeInState } from "../../canonical/stock/states.ts"
import { part } from "../../durable/steps/step-name.ts"
import type { Step } from "../../durable/steps/step.ts"
import type { RunContext } from "../../durable/define-workflow.ts"
import type { PlacedStockLine } from "../../ports/capabilities/stock.ts"
import type { GivenUnits } from "../../rules/returns/refund.ts"
import type { Round } from "../../rules/returns/track.ts"
import type { ReturnPolicies } from "./policies.ts"

/** A return while it runs. */
export interface Running {
  step: Step
  context: RunContext<ReturnPolicies>
  requested: EventData<"return.requested">
  order: Order
}

/** A round with its place among the rounds. */
export type Numbered = Round & { n: number }

/** Units of one inspected line that are back, with the keys of their claims. */
interface Back {
  line: InspectedLine
  receivedMilli: number
  creditedMilli: number
  beforeMilli: number
  key: string
}

/** The key of the claim for a line of a round. */
export function claimKey(returnId: string, round: Round, index: number): string {
  return returnKey(returnId, `${round.id}:${index}`)
}

/**
 * Claims what came back on the order's account, so that no unit comes back twice, whoever else gives money or goods back. Returns the
 * units that nobody has given money for.
 */
export async function claimBack(running: Running, round: Numbered): Promise<{ backs: Back[]; units: GivenUnits[] }> {
  const { step, context, requested } = running
  const { orderId, returnId } = requested
  const backs: Back[] = []
  for (const [index, line] of round.lines.entries()) {
    if (line.disposition === "missing") continue
    const { lineId, quantity, isRefunded: isGivenFor = true } = line
    const name = `${round.n}.${index + 1}`
    const key = claimKey(returnId, round, index)
    const back = await step.effect(part("claim what came back", name), {
      write: context.use("claimsRefunds").claimBack,
      input: { orderId, lineId, quantity, isGivenFor, by: ref("return", returnId) },
      key,
      lane: "stock",
    })
    const { receivedMilli, putBackMilli } = back
    const overMilli = quantity.milli - receivedMilli
    if (overMilli > putBackMilli) await raiseTooMany(running, { name, line, overMilli })
    backs.push({ ...back, line, key })
  }
  const units = backs.flatMap(({ line: { lineId }, creditedMilli: milli, beforeMilli }) =>
    milli > 0 ? [{ lineId, milli, beforeMilli }] : [],
  )
  return { backs, units }
}

function raiseTooMany(
  { step, requested: { returnId }, order }: Running,
  { name, line: { lineId }, overMilli }: { name: string; line: InspectedLine; overMilli: number },
): Promise<void> {
  return step.raise(part("more came back than had left", name), {
    summary: `Return ${returnId} of order ${order.number}: ${overMilli / 1000} of line ${lineId} came back beyond what had left and was not back before.`,
    ifNobodyActs: "nothing is given back for them, and the stock does not have them",
    owner: "customer service",
    allowedActions: ["acknowledge"],
  })
}

/** Adds to the stock what is back, where its disposition says, and tells the order's account. */
export async function putAway(running: Running, round: Numbered, backs: readonly Back[]): Promise<void> {
  const { step, context, requested } = running
  const received = backs.filter(({ receivedMilli }) => receivedMilli > 0)
  for (const [place, own] of Map.groupBy(received, (back) => placeOf(running, round, back))) {
    const fate = fateOf(running, round, { place, own })
    if (fate.lines.length === 0)
      step.tell(part("units are back", `${round.n}:${place}`), { type: "goods.returned", data: fate.data })
    else
      await step.effect(part("put back in stock", `${round.n}:${place}`), {
        write: context.use("reservesStock").takeBack,
        input: { fact: `return:${requested.returnId}:${round.n}`, at: round.at, lines: fate.lines },
        tells: () => [
          newEvent({
            type: "goods.returned",
            fact: `crossdock:return:${requested.returnId}:${round.n}:returned:${place}`,
            source: "crossdock:handle return",
            time: step.now(),
            data: fate.data,
          }),
        ],
        lane: "stock",
      })
  }
}

/** The name of the place in the stock; "" for goods on no shelf of ours. */
function placeOf({ order }: Running, { locationId }: Round, { line: { lineId, disposition } }: Back): string {
  const shelf = shelfOf[disposition]
  const sold = order.lines.find(({ id }) => id === lineId)
  if (locationId === undefined || shelf === "no shelf" || !sold || !leavesShelf(sold)) return ""
  return placeInState(locationId, shelf === "for sale" ? undefined : shelf)
}

function fateOf(
  { context, requested: { returnId, orderId }, order }: Running,
  { locationId, at }: Numbered,
  { place, own }: { place: string; own: readonly Back[] },
): { data: EventData<"goods.returned">; lines: PlacedStockLine[] } {
  const tellsItself = locationId !== undefined && context.policies.placesTell.includes(locationId)
  const disposition =
    place === ""
      ? "not restocked"
      : tellsItself
        ? "left to the warehouse"
        : place === locationId
          ? "back in stock"
          : "set aside"
  const data: EventData<"goods.returned"> = {
    orderId,
    of: ref("return", returnId),
    disposition,
    ...(place === "" || locationId === undefined ? {} : { locationId }),
    lines: own.map(({ line: { lineId, quantity }, receivedMilli: milli, creditedMilli, key }) => ({
      lineId,
      quantity: { ...quantity, milli },
      ...(creditedMilli > 0 ? { claim: `${key}:c` } : {}),
      receipt: key,
    })),
    at,
  }
  return { data, lines: place === "" || tellsItself ? [] : stockLines(order, { place, own }) }
}

/** Several parts of a line that lie at one place are one movement of its goods. */
function stockLines(order: Order, { place, own }: { place: string; own: readonly Back[] }): PlacedStockLine[] {
  return [...Map.groupBy(own, ({ line }) => line.lineId)].flatMap(([lineId, backs]) => {
    const sold = order.lines.find(({ id }) => id === lineId)
    const milli = backs.reduce((sum, { receivedMilli }) => sum + receivedMilli, 0)
    return sold ? shelfGoods(sold, milli).map((goods) => ({ lineId, locationId: place, ...goods })) : []
  })
}
