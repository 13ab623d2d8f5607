/**
 * From the request to a store to get goods ready, to the buyer who has them, or to the shelf they are back on.
 *
 * The store's people say what they found, what is missing and whom they gave it to; the order hears of it as of any other place: goods
 * left, or they are missing. Nobody calls it complete before it was handed over. Goods that nobody collects go back to the shelf first,
 * and then the money to the buyer. It changes no other system but by mails, so there is nothing to undo.
 */
import { durationMs, epochMs, instant } from "../../base/time.ts"
import type { EventData } from "../../canonical/events.ts"
import { pickupStates } from "../../canonical/states.ts"
import { defineWorkflow, type RunContext } from "../../durable/define-workflow.ts"
import type { Signal } from "../../durable/steps/signals.ts"
import { part } from "../../durable/steps/step-name.ts"
import type { Step } from "../../durable/steps/step.ts"
import {
  added,
  beginPickup,
  isOver,
  pickupState,
  toHandOver,
  waiting,
  withNews,
  type Pickup,
  type PickupLine,
} from "../../rules/pickup/pickup.ts"
import type { PickupPolicies } from "./policies.ts"
import { tellHandedOver, tellShort, writeToBuyer, type BuyerMail } from "./telling.ts"

const listensTo = [
  "pickup.accepted",
  "pickup.picked",
  "pickup.rejected",
  "pickup.handed-over",
  "pickup.kept-longer",
  "pickup.stopped",
  "pickup.put-back",
] as const
type News = Signal<(typeof listensTo)[number]>

/** The workflow of one pickup. */
export const preparePickup = defineWorkflow<"pickup.requested", PickupPolicies>({
  name: "prepare pickup",
  purpose: "A store gets goods ready in time, and they end with the buyer or back on the shelf, never in between.",
  about: "pickup",
  states: pickupStates,
  owner: "stores",
  startsOn: "pickup.requested",
  hears: listensTo,
  interrupts: [],
  promisedAt: ({ requestedAt }) => requestedAt,
  policies: "pickups",
  needs: [],
  steps: [
    "news of the pickup",
    "look at the log",
    "handed over too late",
    "pickup is late",
    "it is ready",
    "tell customer it is ready",
    "remind the customer",
    "nobody collected it",
    "goods are not there",
    "goods left",
    "the buyer has them",
    "goods were not put back",
  ],
  deadline: { days: 1 },
  lane: "orders",
  run: async (step, requested, context) => new Run(step, requested, context).untilOver(),
  // What is told after the end changes nothing any more; the fold takes no more than there was.
  late: async (step, requested, context) => new Run(step, requested, context).untilOver(),
})

/** What is due next if nothing is heard. */
type Due = { what: "late" | "remind" | "expire" | "not put back"; at: string }

/** One run: every run folds the same news again, so nothing is stored but the steps. */
class Run {
  readonly #step: Step
  readonly #context: RunContext<PickupPolicies>
  #pickup: Pickup
  #taken = 0
  #handedOver = 0
  /** Of the fact that the pickup is known after. */
  #number = -1
  #isReady = false
  #isLate = false
  #isReminded = false
  #isPutBackAsked = false
  /** Since when something has to go back to its shelf. */
  #toPutBackSince: string | undefined

  constructor(step: Step, requested: EventData<"pickup.requested">, context: RunContext<PickupPolicies>) {
    this.#step = step
    this.#context = context
    this.#pickup = beginPickup(requested)
  }

  async untilOver(): Promise<void> {
    this.#say()
    while (!isOver(this.#pickup) || this.#hasNews()) {
      const due = isOver(this.#pickup) ? undefined : this.#due()
      const news = await this.#step.next("news of the pickup", {
        signals: listensTo,
        ...(due === undefined ? {} : { by: due.at }),
      })
      if (news) await this.#take(news)
      else if (due) await this.#timePassed(due)
      this.#say()
    }
  }

  /** Whether there is news that was not taken. A rerun takes the same, because news only becomes more. */
  #hasNews(): boolean {
    return listensTo.reduce((sum, type) => sum + this.#step.heard(type).length, 0) > this.#taken
  }

  /**
   * What a piece of news changed is what the log says, not the order in which it came here: a cancellation and a handover of the same moment
   * are then the same to the order, to the list and to this run.
   */
  async #take(news: News): Promise<void> {
    this.#taken += 1
    const { data, fact, type } = news
    const { policies } = this.#context
    const change = await this.#step.decide(
      part("look at the log", fact),
      async () => (await policies.changeBy(data.pickupId, fact)) ?? null,
    )
    if (!change) return
    const { before, after, number } = change
    const missing = added(before, after, "missingMilli")
    if (missing.length > 0)
      tellShort(this.#step, after, { fact, lines: missing, at: data.at, because: "not there", n: this.#taken })
    const taken = added(before, after, "takenMilli")
    if (taken.length > 0 && type === "pickup.handed-over")
      tellHandedOver(this.#step, after, { lines: taken, data, n: (this.#handedOver += 1) })
    if (type === "pickup.handed-over" && before.lines.some((line) => beyond(line, data) > 0)) await this.#tooLate(news)
    const putBack = added(before, after, "putBackMilli")
    // What was stopped is known to the order already.
    if (putBack.length > 0 && before.isExpired)
      tellShort(this.#step, after, { fact, lines: putBack, at: data.at, because: "not collected", n: this.#taken })
    this.#learn(after, { number, isKept: type === "pickup.kept-longer" })
    if (this.#pickup.readyAt !== undefined && !this.#isReady) await this.#ready(this.#pickup.readyAt)
    if (type === "pickup.kept-longer") {
      this.#toPutBackSince = undefined
      this.#settle("goods were not put back", "they are kept longer")
    }
    if (pickupState(this.#pickup) === "to put back") this.#toPutBackSince ??= data.at
    if (!isOver(this.#pickup)) return
    this.#settle("pickup is late", "nothing of it is to be got ready any more")
    this.#settle("goods were not put back", "nothing lies there any more")
  }

  /** The pickup after the latest of its facts. What this run itself has told may not be in the log before them. */
  #learn(after: Pickup, { number, isKept }: { number: number; isKept: boolean }): void {
    if (number < this.#number) return
    this.#number = number
    const { keptUntil, isExpired } = this.#pickup
    this.#pickup = {
      ...(keptUntil === undefined ? {} : { keptUntil }),
      ...after,
      isExpired: after.isExpired || (isExpired && !isKept),
    }
  }

  /** The order was cancelled before its goods were handed over, and nobody at the counter knew. */
  #tooLate({ fact, data }: Extract<News, { type: "pickup.handed-over" }>): Promise<void> {
    const { number, locationId } = this.#pickup
    return this.#step.raise(part("handed over too late", fact), {
      summary: `Goods of order ${number} were handed over at ${locationId} by ${data.by}, and they had been cancelled a moment before.`,
      ifNobodyActs: "the buyer has the goods and the money",
      owner: "customer service",
      allowedActions: ["acknowledge"],
    })
  }

  /** All that the store has of it is found: from now on it is kept for the buyer. */
  async #ready(at: string): Promise<void> {
    const { pickupId, orderId, locationId, method } = this.#pickup
    this.#isReady = true
    this.#settle("pickup is late", "it is ready")
    const keptUntil = this.#context.policies.keptUntil(locationId, at)
    const data = { pickupId, orderId, locationId, at, ...(method === "pickup" ? { keptUntil } : {}) }
    this.#step.tell("it is ready", { type: "pickup.ready", data })
    this.#pickup = withNews(this.#pickup, { type: "pickup.ready", data })
    await this.#write("tell customer it is ready", "ready to collect")
  }

  #due(): Due | undefined {
    const { readyBy, readyAt, keptUntil, method } = this.#pickup
    const { remindAfter, putBackWithin } = this.#context.policies
    const later = (since: string, ms: number) => instant(epochMs(since) + ms)
    if (this.#toPutBackSince !== undefined)
      return this.#isPutBackAsked
        ? undefined
        : { what: "not put back", at: later(this.#toPutBackSince, durationMs(putBackWithin)) }
    if (readyAt === undefined) return this.#isLate || readyBy === undefined ? undefined : { what: "late", at: readyBy }
    if (method === "ship" || keptUntil === undefined) return undefined
    const remindAt = remindAfter && later(readyAt, durationMs(remindAfter))
    if (remindAt !== undefined && !this.#isReminded && epochMs(remindAt) < epochMs(keptUntil))
      return { what: "remind", at: remindAt }
    return { what: "expire", at: keptUntil }
  }

  async #timePassed({ what, at }: Due): Promise<void> {
    const { pickupId, orderId, locationId, number } = this.#pickup
    switch (what) {
      case "late":
        this.#isLate = true
        return this.#step.raise("pickup is late", {
          summary: `Order ${number} is not ready at ${locationId}, and its buyer was promised it would be.`,
          ifNobodyActs: "the buyer comes for goods that nobody has got ready",
          owner: "stores",
          allowedActions: ["acknowledge"],
        })
      case "remind":
        this.#isReminded = true
        return this.#write("remind the customer", "reminder to collect")
      case "expire": {
        const data = { pickupId, orderId, locationId, at }
        // Kept longer once, it may be over once more.
        this.#step.tell(part("nobody collected it", at), { type: "pickup.expired", data })
        this.#pickup = withNews(this.#pickup, { type: "pickup.expired", data })
        this.#toPutBackSince = at
        return
      }
      case "not put back":
        this.#isPutBackAsked = true
        return this.#step.raise("goods were not put back", {
          summary: `Goods of order ${number} lie at ${locationId} for nobody: say that they are back on their shelf, or that the buyer has them.`,
          ifNobodyActs: "nobody can buy them, and the buyer waits for the money",
          owner: "stores",
          allowedActions: ["acknowledge"],
        })
    }
  }

  #write(name: BuyerMail["name"], kind: BuyerMail["kind"]): Promise<void> {
    return writeToBuyer(this.#step, this.#context, { name, kind, pickup: this.#pickup })
  }

  #settle(name: "pickup is late" | "goods were not put back", reason: string): void {
    this.#step.settle(name, { action: "acknowledge", reason })
  }

  /** Announces where it stands, when that changed. */
  #state = ""
  #changes = 0
  #say(): void {
    const state = pickupState(this.#pickup)
    if (state === this.#state) return
    this.#state = state
    this.#changes += 1
    this.#step.announce(part(state, String(this.#changes)), state, { place: this.#pickup.locationId })
  }
}

/** How much of a line was handed over although it had been stopped. */
function beyond(line: PickupLine, { lines }: EventData<"pickup.handed-over">): number {
  const said = lines?.reduce((sum, one) => sum + (one.lineId === line.lineId ? one.quantity.milli : 0), 0)
  return Math.min(said ?? waiting(line), waiting(line)) - toHandOver(line)
}
