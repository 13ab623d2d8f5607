import type { Order, OrderState } from "../../canonical/order.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Money } from "../../base/money.ts"
import type { RoutedLine } from "../../ports/capabilities/goods.ts"
import type { EditDifference } from "../order-edit.ts"
import type { Action, Outcome, Unstocked } from "./actions.ts"
import type { OpenRefund, Told } from "./news.ts"
import type { Fulfilment, Leg, Sought, StopReason, Terms } from "./state.ts"

/** The lines that a location was requested to stop, and those that ship nevertheless. */
export interface StopAnswer {
  leg: Leg
  lines: readonly LineQuantity[]
  refused: readonly LineQuantity[]
}

/** An edit that is being applied. */
export interface Change {
  /** Names the steps of this change. */
  label: string
  edited: Order
  difference: EditDifference
  /** Nothing was released when it was applied, so the order counts as placed that way. */
  isEarly: boolean
}

/** Goods that could be stopped on their way to an old address. */
export type Turned = Pick<Leg, "locationId" | "reservation"> & { lines: RoutedLine[] }

/** Progress of stopping all legs when an order is cancelled. */
export interface StopLegs {
  task: "stop legs"
  label: string
  left: readonly number[]
  refused: readonly LineQuantity[]
  isAnyStopped: boolean
  answer?: StopAnswer
}

/** Progress of stopping lines and legs when an edit or a refund removes goods. */
export interface StopLess {
  task: "stop what is less"
  label: string
  by: { change: Change } | { takenOff: OpenRefund } | { held: { label: string; turned: readonly Turned[] } }
  left: readonly { lineId: string; unit: string; lessMilli: number }[]
  /** Legs that were requested to stop the first line of `left`. */
  asked: readonly number[]
  /** Quantities that could not be stopped. */
  kept: readonly LineQuantity[]
  answer?: StopAnswer
}

/** Progress through all legs when an edit changes the address, which each request contains. */
export interface TurnRound {
  task: "turn round"
  change: Change
  left: readonly number[]
  kept: readonly LineQuantity[]
  refused: readonly LineQuantity[]
  turned: readonly Turned[]
  answer?: StopAnswer
}

/** A task left from the current news. A task that needs an outcome puts its sequel first on the agenda. */
export type Task =
  | { task: "begin to release" }
  | { task: "release"; leg: number; isFirst: boolean }
  | { task: "pass the point of no return" }
  | { task: "say it is released" }
  | { task: "ship digital lines" }
  | { task: "take digital shipment" }
  | { task: "wait for news" }
  | {
      task: "stop leg"
      leg: number
      label: string
      lines: readonly LineQuantity[]
      sequel: StopLegs | StopLess | TurnRound
    }
  | { task: "leg stopped"; leg: Leg; lines: readonly LineQuantity[]; sequel: StopLegs | StopLess | TurnRound }
  | StopLegs
  | StopLess
  | TurnRound
  | { task: "take the edit"; change: Change; kept: readonly LineQuantity[]; turned: readonly Turned[] }
  | { task: "wait with what is held"; label: string; turned: readonly Turned[]; kept: readonly LineQuantity[] }
  | { task: "say what is held"; label: string }
  | { task: "hear a refund"; told: Told<"order.refunded"> }
  | { task: "see what a refund took off"; takenOff: OpenRefund; kept: readonly LineQuantity[] }
  | { task: "add what is more"; change: Change }
  | { task: "place what is more"; change: Change; reservation: string; wanted: Sought["wanted"] }
  | { task: "add legs of the edit"; reservation: string }
  | { task: "amend"; label: string; isEarly: boolean }
  | { task: "seek"; sought: Sought; quick: number }
  | { task: "see what was found"; sought: Sought; quick: number }
  | { task: "seek again"; label: string }
  | {
      task: "say it shipped"
      shipmentId: string
      state: OrderState
      amount: Money
      reason?: string
      unstocked?: Unstocked
    }
  | { task: "give back leftover stock"; reservation: string }
  | { task: "end" }
  | { task: "void authorisations" }
  | { task: "tell of the cancellation"; reason: StopReason }
  | { task: "close"; state: "closed" | "cancelled"; reason?: string }

/** Result of a task or a piece of news. */
export interface Next {
  state: Fulfilment
  actions: readonly Action[]
}

/** Handles one kind of task. Its input is the state, the task, and the outcomes of the effects before it. */
export type Handle<Name extends Task["task"]> = (
  state: Fulfilment,
  task: Extract<Task, { task: Name }>,
  given: { outcomes: readonly Outcome[]; terms: Terms },
) => Next

/** Puts these tasks first on the agenda. */
export function goOn(state: Fulfilment, tasks: readonly Task[], actions: readonly Action[] = []): Next {
  return { state: tasks.length > 0 ? { ...state, agenda: [...tasks, ...state.agenda] } : state, actions }
}

/** Ends this task without further ones. */
export function done(state: Fulfilment, actions: readonly Action[] = []): Next {
  return { state, actions }
}
