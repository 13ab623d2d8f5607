import type { EventData, EventName } from "../../canonical/events.ts"
import type { Instant } from "../../base/time.ts"
import type { HeldPart } from "../../canonical/events/orders.ts"
import type { Order, Tender } from "../../canonical/order.ts"
import type { GivenBack } from "../../ports/capabilities/accounts.ts"
import type { HeardRefund, UnitsOut } from "../credit.ts"
import type { Outcome } from "./actions.ts"
import type { Name } from "./texts/raised.ts"

/** Events that are news for fulfilment. */
export const toldEvents = [
  "shipment.confirmed",
  "shipment.short",
  "order.cancellation-requested",
  "order.edited",
  "order.fulfilled-by-channel",
  "order.fulfilment-taken-back",
  "order.refunded",
  "order.hold-changed",
  "order.fraud-review-opened",
  "order.fraud-review-decided",
] as const satisfies readonly EventName[]

/** What the account of the order says of a refund that the shop tells of. */
export interface SeenRefund extends UnitsOut {
  /** We made it ourselves; it comes back as an echo. */
  isOurs: boolean
  takenMinor: number
  givenBack: readonly GivenBack[]
}

/** A refund of the shop whose credit in the books has not been told yet. */
export interface OpenRefund extends Omit<HeardRefund, "offBefore"> {
  seen: SeenRefund
  /** The order was being cancelled: which of its units had left shows at the end. */
  isUndecided: boolean
}

/** An edit leaves nothing more unpaid than before; `added` are payments that came since the order was released. */
export interface PaidEdit {
  added: readonly Tender[]
}

interface Beside {
  "order.refunded": { seen: SeenRefund }
  /** Only where the policy has such edits carried out. */
  "order.edited": { paid?: PaidEdit }
}

/** An event with its data; a workflow's signal is one. With a refund comes what the account says of it, with an edit that it is paid. */
export type Told<Type extends EventName = (typeof toldEvents)[number]> = {
  [Each in Type]: { type: Each; fact: string; data: EventData<Each> } & (Each extends keyof Beside
    ? Beside[Each]
    : unknown)
}[Type]

/** An exception raised by fulfilment whose decision changes how the order continues. */
export type Question = { about: "edit"; fact: string; name: Name } | { about: "sought"; label: string; name: Name }

/** Everything fulfilment can learn. */
export type News =
  | Told
  /** The order is booked. `edited` is the newest edit from before; `facts` are all edits that were taken into account. */
  | {
      type: "booked"
      edited: Order | null
      facts: readonly string[]
      refunds?: readonly Told<"order.refunded">[]
      /** Parts that the shop holds back, as it said so or was asked. */
      holds?: readonly HeldPart[]
    }
  | { type: "question decided"; question: Question; action: string }
  /** An edit that waits for a person is paid for by now. */
  | { type: "edit is paid"; fact: string; paid: PaidEdit }
  /** The authorisations of these tenders lapse soon, and what they pay for has not left. */
  | { type: "authorisations lapse soon"; lapsing: readonly { tenderId: string; heldUntil: string }[] }
  /** No news came in the time that `patienceOf` names. */
  | { type: "time passed"; look?: { parts: readonly HeldPart[]; now: Instant } }
  /** Outcomes of the effects among the actions returned last, in their order. */
  | { type: "carried out"; outcomes: readonly Outcome[] }
