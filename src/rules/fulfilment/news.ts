import type { EventData, EventName } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import type { GivenBack } from "../../ports/capabilities/accounts.ts"
import type { Outcome } from "./actions.ts"
import type { Name } from "./texts.ts"

/** Events that tell fulfilment something. */
export const toldEvents = [
  "shipment.confirmed",
  "shipment.short",
  "order.cancellation-requested",
  "order.edited",
  "order.fulfilled-by-channel",
  "order.refunded",
  "order.fraud-review-opened",
  "order.fraud-review-decided",
] as const satisfies readonly EventName[]

/** What the account of the order says of a refund that the shop tells of. */
export interface SeenRefund {
  /** We made it ourselves; it comes back as an echo. */
  isOurs: boolean
  takenMinor: number
  givenBack: readonly GivenBack[]
}

/** An event with its data; a workflow's signal is one. With a refund comes what the account says of it. */
export type Told<Type extends EventName = (typeof toldEvents)[number]> = {
  [Each in Type]: { type: Each; fact: string; data: EventData<Each> } & (Each extends "order.refunded"
    ? { seen: SeenRefund }
    : unknown)
}[Type]

/** An exception of ours whose decision changes how the order goes on. */
export type Question = { about: "edit"; fact: string; name: Name } | { about: "sought"; label: string; name: Name }

/** What fulfilment can learn. */
export type News =
  | Told
  /** The order is in the books. `edited` is the newest edit that came before; `facts` are all edits that were looked at. */
  | { type: "booked"; edited: Order | null; facts: readonly string[] }
  | { type: "question decided"; question: Question; action: string }
  /** Nothing was told for the time that `patienceOf` names. */
  | { type: "time passed" }
  /** What became of the effects among the actions that were returned last, in their order. */
  | { type: "carried out"; outcomes: readonly Outcome[] }
