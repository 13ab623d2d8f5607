import type { BusinessDate } from "../../base/time.ts"
import type { Money } from "../../base/money.ts"
import type { CreditDue } from "../../canonical/events/finance.ts"
import type { JournalEntry } from "../../canonical/ledger-entry.ts"
import type { Order, OrderState, Tender } from "../../canonical/order.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { ConfirmedFulfilment } from "../../ports/capabilities/channels.ts"
import type { CancelledRelease, RoutedLine } from "../../ports/capabilities/goods.ts"
import type { StockReservation } from "../../ports/capabilities/stock.ts"
import type { Routing } from "../route-order.ts"
import type { Sought, StopReason } from "./state.ts"
import type { Name, Raised } from "./texts/raised.ts"

/** Lines of a shipment that no stock is kept for: nothing else says that they left. */
export interface Unstocked {
  shipmentId: string
  locationId: string
  lines: readonly LineQuantity[]
  at: string
}

/** What is said or noted; it needs no other system and is done at once. */
export type Notice =
  | { do: "announce"; name: Name; state: OrderState; reason?: string; amount?: Money; unstocked?: Unstocked }
  | ({ do: "raise" } & Raised)
  /** The books have to credit a refund of the shop; its own workflow does. */
  | { do: "tell credit"; due: CreditDue }
  | { do: "settle"; name: Name; action: string; reason: string }
  /** From here on a cancellation is news and does not undo the run, because goods may be moving. */
  | { do: "pass the point of no return" }
  /** Announces the end and settles exceptions that are no longer needed, unless work of the order still waits. */
  | { do: "close"; state: "closed" | "cancelled"; reason?: string; settles: readonly Name[] }

/** Closes an exception that nobody has to know any more; one that was never raised stays away. */
export function closed(name: Name, reason: string): Notice {
  return { do: "settle", name, action: "acknowledge", reason }
}

/**
 * A change in another system, or a read of it. `ifItWaits` says what happens while that system is unavailable, or while
 * a person has to decide a refusal. "stop" delays everything after it. "go on" leaves it for a later run. "stop for a
 * person" continues while the system is unavailable, but not while a person has to decide.
 */
export type Effect = { ifItWaits: "stop" | "go on" | "stop for a person" } & EffectOnly

type EffectOnly =
  | { do: "release leg"; leg: number; isFirst: boolean }
  /** Checks whether a cancellation came before the request of this leg was sent. */
  | { do: "see whether overtaken"; leg: number }
  | { do: "stop leg"; leg: number; label: string; lines: LineQuantity[] }
  | { do: "amend in ERP"; label: string; order: Order; routing: RoutedLine[]; isEarly: boolean }
  | { do: "cancel in ERP"; reason: string }
  | { do: "reserve for edit"; label: string; reservation: string; wanted: Sought["wanted"] }
  /** One attempt to find locations for goods and to allocate them there. */
  | { do: "find locations"; name: string; request: Omit<Sought, "label" | "attempts">; standing: readonly RoutedLine[] }
  /** Finds locations before anything is released, and waits for goods as long as it takes. */
  | { do: "route edit"; label: string; reservation: string; wanted: Sought["wanted"] }
  /** Reads the time at which digital lines count as shipped. */
  | { do: "date digital shipment" }
  | { do: "consume stock"; shipment: Shipment; reservation: string; lines: RoutedLine[] }
  | { do: "give back leftover stock"; reservation: string }
  | { do: "record delivery"; shipment: Shipment; lines: RoutedLine[]; n: number; businessDate: BusinessDate }
  | { do: "post invoice"; shipmentId: string; locationId: string; entry: JournalEntry }
  /** A share of a tender. `upTo` is the sum of all shares so far, `inAll` of all that can follow; see `CaptureShare`. */
  | {
      do: "capture"
      shipmentId: string
      tender: Tender
      paymentId: string
      amount: Money
      upTo: Money
      inAll: Money
      takenBefore: Money
      isFinal: boolean
    }
  /** Waits until the channel has captured what is due of payments that it captures itself. */
  | { do: "await captures"; due: readonly { tender: Tender; amount: Money }[] }
  | { do: "void authorisations"; tenders: readonly Tender[] }
  /** `keptMinor` of what was taken is due and stays. */
  | { do: "refund"; tender: Tender; paymentId: string; amount: Money; keptMinor: number }
  | { do: "confirm to channel"; shipment: Shipment }
  | { do: "cancel in channel"; reason: StopReason }
  | { do: "notify buyer"; kind: "shipped"; shipment: Shipment }
  | { do: "notify buyer"; kind: "cancelled" }

/** The next things to do. Notices are done in their order; then the effects, in parallel. */
export type Action = Notice | Effect

/** The results of effects whose result matters. */
export interface Outputs {
  "release leg": { isOvertaken: boolean }
  "stop leg": Pick<CancelledRelease, "cancelled" | "refused">
  "reserve for edit": Pick<StockReservation, "granted" | "short">
  "find locations": { routing: Pick<Routing, "lines" | "unfilled">; isPlaced: boolean }
  "route edit": { routing: Pick<Routing, "lines"> }
  "date digital shipment": { shippedAt: string }
  /** In minor units: captured by this share, and captured of the tender so far by whomever. */
  capture: { ownMinor: number; takenMinor: number; isEnded: boolean }
  "confirm to channel": Pick<ConfirmedFulfilment, "notOpen" | "otherPlace">
}

/** The name of a kind of effect. */
export type EffectName = Effect["do"]
/** One kind of effect. */
export type EffectOf<Do extends EffectName> = Extract<Effect, { do: Do }>
/** The result type of one kind of effect. */
export type OutputOf<Do extends EffectName> = Do extends keyof Outputs ? Outputs[Do] : undefined

/** Outcome of an effect: done; waiting, which leaves it for a later run; or left, when a person left a refused one as it is. */
export type Outcome = {
  [Do in EffectName]:
    | { of: Do; effect: EffectOf<Do>; became: "done"; output: OutputOf<Do> }
    | { of: Do; effect: EffectOf<Do>; became: "waiting" | "left" }
}[EffectName]

const notices: ReadonlySet<string> = new Set<Notice["do"]>([
  "announce",
  "raise",
  "settle",
  "tell credit",
  "pass the point of no return",
  "close",
])

/** Whether an action has an outcome. */
export function isEffect(action: Action): action is Effect {
  return !notices.has(action.do)
}

/** The result of the effect of this kind among the outcomes; undefined when there is none or it is not done. */
export function outputOf<Do extends EffectName>(outcomes: readonly Outcome[], name: Do): OutputOf<Do> | undefined {
  const found = outcomes.find((outcome) => outcome.of === name)
  // The outcome of an effect has the result type of its kind.
  return found?.became === "done" ? (found.output as OutputOf<Do>) : undefined
}
