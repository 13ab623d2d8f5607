import type { Call } from "../../simulator.ts"
import { hold, releaseHold, reschedule, type Owned } from "../changes/hold.ts"
import { planMove } from "../changes/move.ts"
import type { UserError } from "../changes/requests.ts"
import { ownerOf, type ShopStore } from "../store.ts"
import { idOf } from "./paging.ts"
import { scopeOf } from "./queries.ts"
import { fulfillmentOrderView, holdView } from "./views/fulfilment-view.ts"
import type { View } from "./views/part-views.ts"

type Context = { call: Call }
type Line = { id: string; quantity: number }

const missing: UserError[] = [{ field: ["id"], message: "Fulfillment order does not exist." }]
const numbers = (lines: Line[] | null | undefined) =>
  lines?.map(({ id, quantity }) => ({ id: idOf("FulfillmentOrderLineItem", id) ?? 0, quantity }))

/** Mutations of fulfillment orders besides fulfilling them. */
export function fulfilmentOrderMutations(store: ShopStore): View {
  const owned = (id: string) => ownerOf(store, idOf("FulfillmentOrder", id) ?? 0)
  const view = ({ order, fulfillmentOrder }: Owned) => fulfillmentOrderView(scopeOf(store, order), fulfillmentOrder)
  return {
    fulfillmentOrderHold: (args: HoldArguments, { call }: Context) => {
      const own = owned(args.id)
      if (!own) return { fulfillmentHold: null, fulfillmentOrder: null, userErrors: missing }
      const { reason, reasonNotes = null, fulfillmentOrderLineItems } = args.fulfillmentHold
      const done = call.commit(() =>
        hold(store, own, { reason, reasonNotes, lines: numbers(fulfillmentOrderLineItems) }),
      )
      if ("errors" in done) return { fulfillmentHold: null, fulfillmentOrder: view(own), userErrors: done.errors }
      const rest = done.rest && view({ ...own, fulfillmentOrder: done.rest })
      return {
        fulfillmentHold: holdView(done.hold),
        fulfillmentOrder: view(own),
        remainingFulfillmentOrder: rest,
        userErrors: [],
      }
    },
    fulfillmentOrderReleaseHold: (args: { id: string; holdIds?: string[] | null }, { call }: Context) => {
      const own = owned(args.id)
      if (!own) return { fulfillmentOrder: null, userErrors: missing }
      const ids = args.holdIds?.map((id) => idOf("FulfillmentHold", id) ?? 0)
      return { userErrors: call.commit(() => releaseHold(store, own, ids)), fulfillmentOrder: view(own) }
    },
    fulfillmentOrderReschedule: (args: { id: string; fulfillAt: string }, { call }: Context) => {
      const own = owned(args.id)
      if (!own) return { fulfillmentOrder: null, userErrors: missing }
      return { userErrors: call.commit(() => reschedule(store, own, args.fulfillAt)), fulfillmentOrder: view(own) }
    },
    fulfillmentOrderMove: (args: MoveArguments, { call }: Context) => {
      const own = owned(args.id)
      if (!own) return { movedFulfillmentOrder: null, originalFulfillmentOrder: null, userErrors: missing }
      const locationId = idOf("Location", args.newLocationId) ?? 0
      const plan = planMove(store, own, { locationId, lines: numbers(args.fulfillmentOrderLineItems) })
      if ("errors" in plan)
        return { movedFulfillmentOrder: null, originalFulfillmentOrder: null, userErrors: plan.errors }
      const moved = call.commit(() => plan.apply())
      return {
        movedFulfillmentOrder: view({ ...own, fulfillmentOrder: moved }),
        originalFulfillmentOrder: view(own),
        userErrors: [],
      }
    },
  }
}

type HoldArguments = {
  id: string
  fulfillmentHold: { reason: string; reasonNotes?: string | null; fulfillmentOrderLineItems?: Line[] | null }
}
type MoveArguments = { id: string; newLocationId: string; fulfillmentOrderLineItems?: Line[] | null }
