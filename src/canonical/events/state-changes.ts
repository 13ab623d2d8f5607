import { Type, type TString } from "typebox"
import { Money } from "../../base/money.ts"
import { orderStates } from "../order.ts"
import { entity, InstantText, LocationId, OrderId, Reference } from "../parts.ts"
import { ref, type RefKind } from "../refs.ts"
import { storeDayStates } from "../sales/store-day.ts"
import {
  adjustmentStates,
  creditStates,
  deliveryStates,
  pickupStates,
  returnStates,
  transferStates,
} from "../states.ts"
import { eventType } from "./event-type.ts"
import { later, orderId } from "./example-order.ts"

const EntityId = Type.String({ minLength: 1, maxLength: 64 })

const change = {
  reason: Type.Optional(Type.String({ maxLength: 500 })),
  at: InstantText,
  references: Type.Optional(Type.Array(Reference, { maxItems: 50 })),
  amount: Type.Optional(Money),
  place: Type.Optional(LocationId),
}

/** `{kind}.state-changed`: the data names the object as `{kind}Id`, and the order it belongs to as `orderId` where there is one. */
function stateChanged<Kind extends RefKind, const States extends readonly string[]>(
  kind: Kind,
  options: { states: States; id?: TString; example: string },
) {
  const field = `${kind}Id` as const
  const noun = kind[0]?.toUpperCase() + kind.slice(1)
  type IdField = { [Name in typeof field]: TString }
  const schema = entity(`${noun} state changed`, {
    ...({ [field]: options.id ?? EntityId } as IdField),
    // An order has no separate orderId.
    ...(kind === "order" ? {} : { orderId: Type.Optional(OrderId) }),
    state: Type.Enum(options.states),
    ...change,
  })
  const [first] = options.states
  return eventType<typeof schema>({
    schema,
    publisher: "workflow",
    summary: `The state of ${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind} changed, in a shopkeeper's words.`,
    about: (data) => ref(kind, String(Reflect.get(data, field))),
    mentions: (data) => {
      const owner: unknown = Reflect.get(data, "orderId")
      return kind !== "order" && typeof owner === "string" ? [ref("order", owner)] : []
    },
    names: (data) => {
      // The computed key of the schema hides the other fields' types.
      const { references = [] } = data as { references?: Reference[] }
      return references
    },
    example: { [field]: options.example, state: first, at: later } as never,
  })
}

/** The objects whose states workflows announce. A new kind is one line. */
export const stateEvents = {
  "order.state-changed": stateChanged("order", { states: orderStates, id: OrderId, example: orderId }),
  "delivery.state-changed": stateChanged("delivery", { states: deliveryStates, example: orderId }),
  "return.state-changed": stateChanged("return", { states: returnStates, example: "ret_0123456789abcdef" }),
  "pickup.state-changed": stateChanged("pickup", { states: pickupStates, example: "pku_0123456789abcdef" }),
  "transfer.state-changed": stateChanged("transfer", { states: transferStates, example: "tr-117-4" }),
  "adjustment.state-changed": stateChanged("adjustment", { states: adjustmentStates, example: "adj-117-9" }),
  "credit.state-changed": stateChanged("credit", { states: creditStates, example: "ord_0123456789abcdef-c4hq0n2kd" }),
  "storeDay.state-changed": stateChanged("storeDay", { states: storeDayStates, example: "117:2026-11-20" }),
} as const
