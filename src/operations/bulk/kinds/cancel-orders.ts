import { Type } from "typebox"
import { cut } from "../../../base/text.ts"
import { instant, type Clock } from "../../../base/time.ts"
import { newEvent } from "../../../canonical/events.ts"
import { entity, OrderId } from "../../../canonical/parts.ts"
import { ref, type Ref } from "../../../canonical/refs.ts"
import type { EventLog } from "../../../eventlog/event-log.ts"
import type { ExceptionDesk } from "../../exceptions/desk.ts"
import type { OrderRecord } from "../../order-book.ts"
import { done, skipped, type BulkKind, type Member, type Preview } from "../kind.ts"
import { assertNotTooMany, chosenCases, isChosen, openCases, type ChosenCases } from "./cases.ts"

const Spec = entity("Cancel orders", {
  orders: Type.Optional(Type.Array(OrderId, { minItems: 1, maxItems: 500, description: "these orders" })),
  ...chosenCases,
})

interface CancelOrders extends ChosenCases {
  orders?: string[]
}

interface CancelParts {
  desk: ExceptionDesk
  clock: Clock
  eventLog: Pick<EventLog, "append" | "knownFacts">
  /** Those of these orders that exist. */
  orders(ids: readonly string[]): Promise<readonly OrderRecord[]>
  /** By order, what was done in other systems and would be taken back. */
  exists(about: readonly Ref[]): Promise<ReadonlyMap<string, readonly string[]>>
}

/** More orders at once are no cancellation that a person can look through. */
const ordersMax = 500

/**
 * Asks for the cancellation of orders: each takes back in reverse what it did, or says by an exception why it cannot any more. Only a
 * request like that of a shop is made; the order's workflow decides.
 */
export function cancelOrders(parts: CancelParts): BulkKind<CancelOrders> {
  return {
    name: "cancel orders",
    does: "asks for the cancellation of orders; what was done is taken back in reverse, and goods that left are told of",
    schema: Spec,
    scope: "operations:compensate",
    alwaysApproved: "it takes back what was done in other systems",
    preview: (spec, { channels }) => preview(parts, spec, channels),
    async carryOut({ id, seen }, _spec, { by, reason, operation }) {
      const at = instant(parts.clock.now())
      const event = newEvent({
        type: "order.cancellation-requested",
        fact: `${operation}:order:${id}:cancellation-requested`,
        source: "crossdock:operations",
        time: at,
        data: { orderId: id, reason: cut(reason, 500), requestedBy: by },
      })
      if ((await parts.eventLog.knownFacts([event])).has(event.fact)) return done
      const [order] = await parts.orders([id])
      if (!order) return skipped("it is gone")
      if (order.state !== seen) return skipped(`it is ${order.state} by now, not ${seen ?? "as it was"}`)
      await parts.eventLog.append(event)
      return done
    },
  }
}

async function preview(
  { desk, orders, exists }: CancelParts,
  { orders: chosen = [], ...cases }: CancelOrders,
  channels: readonly string[] | undefined,
): Promise<Preview> {
  const ids = new Set(chosen)
  const refused: Preview["refused"] = []
  if (chosen.length === 0 || isChosen(cases))
    for await (const { id, orderId } of openCases(desk, { ...cases, channels }))
      if (orderId === undefined) refused.push({ id, why: "it is about no order" })
      else ids.add(orderId)
  assertNotTooMany(ids.size, ordersMax)
  const found = (await orders([...ids])).filter(({ channel }) => channels?.includes(channel) ?? true)
  for (const id of ids) if (!found.some((order) => order.id === id)) refused.push({ id, why: "there is no such order" })
  const done = await exists(found.map(({ id }) => ref("order", id)))
  const members = found.flatMap(({ id, number, state, finishedAt, total }): Member[] => {
    if (finishedAt !== undefined) {
      refused.push({ id, why: `it is ${state} already` })
      return []
    }
    const back = done.get(ref("order", id)) ?? []
    const what = back.length === 0 ? "nothing was done yet" : `takes back ${back.join(", ")}`
    return [{ id, about: cut(`order ${number} (${state}): ${what}`, 1000), atRisk: total, seen: state }]
  })
  return { members, refused }
}
