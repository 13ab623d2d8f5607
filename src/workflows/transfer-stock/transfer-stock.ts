/**
 * From the order to move goods to another place to the last of them received there.
 *
 * Goods that left and did not arrive are in transit: a place of its own, from which nobody sells. What warehouses and stores tell is
 * booked as it comes, by them or by the people who ship and receive. When the receiver says that all is there and it is not, or too
 * long nothing arrives, a person says what became of the rest, and that is booked. It changes no other system, so there is nothing to
 * undo.
 */
import { Type, type Static } from "typebox"
import { Duration, durationMs, epochMs, instant } from "../../base/time.ts"
import type { EventData } from "../../canonical/events.ts"
import { transferStates } from "../../canonical/states.ts"
import { defineWorkflow } from "../../durable/define-workflow.ts"
import type { Signal } from "../../durable/steps/signals.ts"
import { part } from "../../durable/steps/step-name.ts"
import type { Step } from "../../durable/steps/step.ts"
import {
  beginTransfer,
  differs,
  isOver,
  onTheWay,
  settled,
  transferState,
  withMovement,
  type Transfer,
} from "../../rules/transfer/transfer.ts"

/** What a retailer decides about transfers: `policies.transfers` of the estate. */
export const TransferPolicies = Type.Object(
  {
    arriveWithin: {
      ...Duration,
      description:
        "How long goods of a transfer may be on their way, from the last that left, before people are asked.",
    },
    shipWithin: { ...Duration, description: "How long an ordered transfer may wait for its first goods to leave." },
  },
  { additionalProperties: false, description: "Transfers between places." },
)
export type TransferPolicies = Static<typeof TransferPolicies>

const listensTo = ["transfer.shipped", "transfer.received", "stock.moved", "exception.decided"] as const
type News = Signal<(typeof listensTo)[number]>
type Ordered = EventData<"transfer.ordered">

/** The workflow of one transfer. */
export const transferStock = defineWorkflow<"transfer.ordered", TransferPolicies>({
  name: "transfer stock",
  purpose:
    "Goods that go from one place to another are known at every moment, and what does not arrive is asked about.",
  about: "transfer",
  states: transferStates,
  owner: "operations",
  startsOn: "transfer.ordered",
  hears: listensTo,
  interrupts: [],
  promisedAt: ({ orderedAt }) => orderedAt,
  policies: "transfers",
  needs: [],
  steps: [
    "news of the transfer",
    "book what left",
    "book what arrived",
    "book what became of it",
    "transfer is not complete",
  ],
  deadline: { days: 1 },
  lane: "stock",
  run: async (step, ordered, { policies }) => new Run(step, ordered, policies).untilOver(),
  // What turns up after the end is booked, too, and asked about.
  late: async (step, ordered, { policies }) => new Run(step, ordered, policies).untilOver(),
})

/** One run: every run folds the same news again, so nothing is stored but the steps. */
class Run {
  readonly #step: Step
  readonly #ordered: Ordered
  readonly #policies: TransferPolicies
  #transfer: Transfer
  /** Since when the transfer waits for what is next. */
  #sinceAt: string
  /** Questions asked so far, and whether one is open. */
  #asked = 0
  #isAsking = false
  #changes = 0
  #taken = 0

  constructor(step: Step, ordered: Ordered, policies: TransferPolicies) {
    this.#step = step
    this.#ordered = ordered
    this.#policies = policies
    this.#transfer = beginTransfer(ordered)
    this.#sinceAt = ordered.orderedAt
  }

  async untilOver(): Promise<void> {
    this.#say()
    while (!isOver(this.#transfer) || this.#hasNews()) {
      const by = this.#isAsking || isOver(this.#transfer) ? undefined : this.#dueAt()
      const news = await this.#step.next("news of the transfer", {
        signals: listensTo,
        ...(by === undefined ? {} : { by }),
      })
      if (news) this.#take(news)
      if (isOver(this.#transfer)) this.#close()
      else if ((!news || differs(this.#transfer)) && !this.#isAsking) await this.#ask()
      this.#say()
    }
  }

  /** Whether there is news that was not taken. A rerun takes the same, because news only becomes more. */
  #hasNews(): boolean {
    const heard = listensTo.reduce((sum, type) => sum + this.#step.heard(type).length, 0)
    return heard > this.#taken
  }

  #close(): void {
    if (this.#isAsking) this.#step.settle(this.#question(), { action: "wait on", reason: "all of it has arrived" })
    this.#isAsking = false
  }

  #dueAt(): string {
    const { arriveWithin, shipWithin } = this.#policies
    const within = transferState(this.#transfer) === "ordered" ? shipWithin : arriveWithin
    return instant(epochMs(this.#sinceAt) + durationMs(within))
  }

  #take(news: News): void {
    this.#taken += 1
    const { toLocationId, fromLocationId, transferId } = this.#ordered
    if (news.type === "stock.moved") {
      // What this workflow booked itself is counted already.
      if (news.fact.startsWith(`${transferStock.name}:`)) return
      this.#transfer = withMovement(this.#transfer, news.data)
      this.#sinceAt = news.data.movedAt
    } else if (news.type === "transfer.shipped") {
      const { lines, isLast, shippedAt: movedAt } = news.data
      for (const { sku, milli, unit } of summed(lines))
        this.#tell(part("book what left", `${news.fact}:${sku}`), {
          movement: "transfer shipped",
          sku,
          locationId: fromLocationId,
          toLocationId,
          milli,
          unit,
          movedAt,
          transferId,
        })
      this.#sinceAt = movedAt
      if (isLast) this.#transfer = { ...this.#transfer, isShippedWhole: true }
    } else if (news.type === "transfer.received") {
      const { lines, isLast, receivedAt: movedAt } = news.data
      for (const { sku, milli, unit, state } of summed(lines))
        this.#tell(part("book what arrived", `${news.fact}:${sku}:${state ?? ""}`), {
          movement: "transfer received",
          sku,
          locationId: toLocationId,
          milli,
          unit,
          movedAt,
          transferId,
          ...(state ? { state } : {}),
        })
      this.#sinceAt = movedAt
      if (isLast) this.#transfer = { ...this.#transfer, isReceivedWhole: true }
    } else if (news.data.exceptionId === this.#step.exceptionId(this.#question())) this.#decided(news.data)
  }

  /** Books what a person said of the rest. To wait on means to be asked again when as much time has passed. */
  #decided({ action, at }: { action: string; at: string }): void {
    this.#isAsking = false
    this.#sinceAt = at
    // What arrives from now on is told to be the last again, or time passes.
    this.#transfer = { ...this.#transfer, isReceivedWhole: false }
    if (action === "wait on") return
    const { toLocationId, fromLocationId } = this.#ordered
    for (const { sku, unit, milli } of onTheWay(this.#transfer)) {
      const adjustment = { movement: "adjustment" as const, sku, unit, movedAt: at, reason: `transfer: ${action}` }
      const name = part("book what became of it", `${this.#asked}:${sku}`)
      this.#tell(name, { ...adjustment, locationId: toLocationId, state: "in-transit", milli: -milli })
      if (action === "it never left")
        this.#tell(part("book what became of it", `${this.#asked}:${sku}:back`), {
          ...adjustment,
          locationId: fromLocationId,
          milli,
        })
    }
    this.#transfer = settled(this.#transfer)
  }

  async #ask(): Promise<void> {
    this.#asked += 1
    this.#isAsking = true
    const { transferId, fromLocationId, toLocationId } = this.#ordered
    const rest = onTheWay(this.#transfer)
    const what = rest.map(
      ({ sku, milli }) => `${Math.abs(milli) / 1000} × ${sku} ${milli > 0 ? "missing" : "too many"}`,
    )
    const state = transferState(this.#transfer)
    const summary =
      rest.length > 0
        ? `Transfer ${transferId} from ${fromLocationId} to ${toLocationId} is not complete: ${what.join(", ")}.`
        : `Transfer ${transferId} from ${fromLocationId} to ${toLocationId}: ${state === "ordered" ? "nothing has left yet" : "less has left than was ordered"}.`
    const [first] = rest
    const question = part("transfer is not complete", String(this.#asked))
    await this.#step.raise(question, {
      summary: summary.slice(0, 1000),
      ifNobodyActs: "what did not arrive stays in transit, and nobody sells it",
      owner: "operations",
      allowedActions: ["it is lost", "it never left", "wait on"],
      ...(first ? { sku: first.sku, missingMilli: Math.max(first.milli, 0) } : {}),
    })
  }

  #question() {
    return part("transfer is not complete", String(this.#asked))
  }

  #tell(name: Parameters<Step["tell"]>[0], data: EventData<"stock.moved">): void {
    this.#step.tell(name, { type: "stock.moved", data })
    this.#transfer = withMovement(this.#transfer, data)
  }

  /** Announces where the transfer stands, when that changed. */
  #state = ""
  #say(): void {
    const state = this.#isAsking ? "needs a person" : transferState(this.#transfer)
    if (state === this.#state) return
    this.#state = state
    this.#changes += 1
    this.#step.announce(part(state, String(this.#changes)), state)
  }
}

/** An article in several lines, one for each parcel, is booked once: with all of them. */
function summed<Goods extends { sku: string; milli: number; state?: string }>(lines: readonly Goods[]): Goods[] {
  const parcels = Map.groupBy(lines, ({ sku, state }) => JSON.stringify([sku, state]))
  return [...parcels.values()].flatMap(([first, ...more]) =>
    first ? [{ ...first, milli: more.reduce((sum, { milli }) => sum + milli, first.milli) }] : [],
  )
}
