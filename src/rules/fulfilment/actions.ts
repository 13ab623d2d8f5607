import type { Money } from "../../base/money.ts"
import type { JournalEntry } from "../../canonical/ledger-entry.ts"
import type { Order, OrderState, Tender } from "../../canonical/order.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { CancelledRelease, RoutedLine } from "../../ports/capabilities/goods.ts"
import type { StockReservation } from "../../ports/capabilities/stock.ts"
import type { Routing } from "../route-order.ts"
import type { Sought, StopReason } from "./state.ts"
import type { Name, Raised } from "./texts.ts"

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
  | { do: "settle"; name: Name; action: string; reason: string }
  /** From here on a cancellation is news and does not undo the run: goods may be moving. */
  | { do: "pass the point of no return" }
  /** Announces the end and settles exceptions that are no longer needed, unless something of the order still waits. */
  | { do: "close"; state: "closed" | "cancelled"; reason?: string; settles: readonly Name[] }

/**
 * What changes another system, or asks it something. `ifItWaits` says what happens while that system is unavailable or a
 * person has to decide a refusal: "stop" holds up everything that comes after it, "go on" leaves it for a later run, and "stop
 * for a person" goes on without a system but not without a person.
 */
export type Effect = { ifItWaits: "stop" | "go on" | "stop for a person" } & EffectOnly

type EffectOnly =
  | { do: "release leg"; leg: number; isFirst: boolean }
  /** Looks whether a cancellation came before the request of this leg was sent. */
  | { do: "see whether overtaken"; leg: number }
  | { do: "stop leg"; leg: number; label: string; lines: LineQuantity[] }
  | { do: "amend in ERP"; label: string; order: Order; routing: RoutedLine[]; isEarly: boolean }
  | { do: "cancel in ERP"; reason: string }
  | { do: "reserve for edit"; label: string; reservation: string; wanted: Sought["wanted"] }
  /** One attempt to find locations for goods and to allocate them there. */
  | { do: "find locations"; name: string; request: Omit<Sought, "label" | "attempts">; standing: readonly RoutedLine[] }
  /** Finds locations before anything is released, and waits for goods as long as it takes. */
  | { do: "route edit"; label: string; reservation: string; wanted: Sought["wanted"] }
  /** Reads when lines without a shelf count as shipped. */
  | { do: "date digital shipment" }
  | { do: "consume stock"; shipment: Shipment; reservation: string; lines: RoutedLine[] }
  | { do: "give back leftover stock"; reservation: string }
  | { do: "record delivery"; shipment: Shipment; lines: RoutedLine[]; n: number }
  | { do: "post invoice"; shipmentId: string; entry: JournalEntry }
  | { do: "capture"; shipmentId: string; tender: Tender; paymentId: string; amount: Money; isFinal: boolean }
  | { do: "void authorisations"; tenders: readonly Tender[] }
  /** `keptMinor` of what was taken is due and stays. */
  | { do: "refund"; tender: Tender; paymentId: string; amount: Money; keptMinor: number }
  | { do: "confirm to channel"; shipment: Shipment }
  | { do: "cancel in channel"; reason: StopReason }
  | { do: "notify buyer"; kind: "shipped"; shipment: Shipment }
  | { do: "notify buyer"; kind: "cancelled" }

/** What is to be done next. Notices are done in their order; then the effects, side by side. */
export type Action = Notice | Effect

/** What an effect returns when it was done, where that matters. */
export interface Outputs {
  "release leg": { isOvertaken: boolean }
  "stop leg": Pick<CancelledRelease, "cancelled" | "refused">
  "reserve for edit": Pick<StockReservation, "granted" | "short">
  "find locations": { routing: Pick<Routing, "lines" | "unfilled">; isPlaced: boolean }
  "route edit": { routing: Pick<Routing, "lines"> }
  "date digital shipment": { shippedAt: string }
  capture: { isTakenByShop: boolean }
}

/** The name of a kind of effect. */
export type EffectName = Effect["do"]
/** One kind of effect. */
export type EffectOf<Do extends EffectName> = Extract<Effect, { do: Do }>
/** What one kind of effect returns. */
export type OutputOf<Do extends EffectName> = Do extends keyof Outputs ? Outputs[Do] : undefined

/**
 * What became of an effect: done; waiting, which leaves it for a later run; or left, when a person chose to leave a refused one
 * as it is.
 */
export type Outcome = {
  [Do in EffectName]:
    | { of: Do; effect: EffectOf<Do>; became: "done"; output: OutputOf<Do> }
    | { of: Do; effect: EffectOf<Do>; became: "waiting" | "left" }
}[EffectName]

const notices: ReadonlySet<string> = new Set<Notice["do"]>([
  "announce",
  "raise",
  "settle",
  "pass the point of no return",
  "close",
])

/** Whether an action has an outcome. */
export function isEffect(action: Action): action is Effect {
  return !notices.has(action.do)
}

/** What the effect of this kind among some outcomes returned; undefined when there is none or it is not done. */
export function outputOf<Do extends EffectName>(outcomes: readonly Outcome[], name: Do): OutputOf<Do> | undefined {
  const found = outcomes.find((outcome) => outcome.of === name)
  // An outcome carries what its own kind of effect returns.
  return found?.became === "done" ? (found.output as OutputOf<Do>) : undefined
}
