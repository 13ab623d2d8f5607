import { own } from "../../base/lookup.ts"
import { durationMs, epochMs, instant } from "../../base/time.ts"
import type { EventData } from "../../canonical/events.ts"
import type { RunContext } from "../../durable/define-workflow.ts"
import { part } from "../../durable/steps/step-name.ts"
import { Suspension } from "../../effects/perform.ts"
import type { Signal } from "../../durable/steps/signals.ts"
import type { Step } from "../../durable/steps/step.ts"
import { objections, objectionText, type SoldGoods } from "../../rules/returns/eligible.ts"
import type { GivenUnits } from "../../rules/returns/refund.ts"
import {
  beginReturn,
  isOver,
  kept,
  returnState,
  tracksOf,
  withNews,
  withoutRest,
  type ReturnCase,
  type Round,
} from "../../rules/returns/track.ts"
import { creditBooks } from "./books.ts"
import { claimBack, putAway, type Running } from "./goods.ts"
import { giveBack, type MoneyOf } from "./money.ts"
import type { ReturnPolicies } from "./policies.ts"

/** What a return hears of. */
export const listensTo = [
  "return.approved",
  "return.declined",
  "return.in-transit",
  "return.received",
  "return.inspected",
  "return.cancelled",
  "payment.refund-reported",
  "exception.decided",
] as const
type News = Signal<(typeof listensTo)[number]>
type Requested = EventData<"return.requested">

/** What a run knows of a round beyond what is folded. */
interface Work {
  units?: readonly GivenUnits[]
  money?: MoneyOf
  isMoneyTried: boolean
  isBooksTried: boolean
}

/** One run: every run folds the same news again, so nothing is stored but the steps. */
export class Run {
  readonly #running: Running
  readonly #step: Step
  readonly #requested: Requested
  readonly #context: RunContext<ReturnPolicies>
  readonly #sold: SoldGoods
  readonly #works = new Map<string, Work>()
  readonly #reports = new Map<string, EventData<"payment.refund-reported">>()
  #case: ReturnCase
  #newsCount = 0
  #sinceAt: string

  constructor(running: Running, sold: SoldGoods) {
    this.#running = running
    this.#step = running.step
    this.#requested = running.requested
    this.#context = running.context
    this.#sold = sold
    this.#sinceAt = running.requested.requestedAt
    const { lines, takenOver } = running.requested
    this.#case = beginReturn(running.requested, lines ?? takenOver?.lines ?? allWithBuyer(sold))
  }

  async untilOver(): Promise<void> {
    await this.#decideByRule()
    for (;;) {
      await this.#advance()
      if (isOver(this.#case)) break
      this.#take(await this.#nextNews())
    }
    this.#say()
  }

  /** The next piece of news; undefined when nothing has come for too long. What the run has come to is told before it waits. */
  async #nextNews(): Promise<News | undefined> {
    try {
      const by = this.#waitsForGoods() ? { by: this.#dueAt() } : {}
      return await this.#step.next("news of the return", { signals: listensTo, ...by })
    } catch (thrown) {
      if (thrown instanceof Suspension) this.#say()
      throw thrown
    }
  }

  #waitsForGoods(): boolean {
    return this.#case.decision === "approved" && !this.#case.isWhole
  }

  #dueAt(): string {
    return instant(epochMs(this.#sinceAt) + durationMs(this.#context.policies.arriveWithin))
  }

  #take(news: News | undefined): void {
    this.#newsCount += 1
    if (!news) {
      this.#case = withoutRest(this.#case)
      return
    }
    if (news.type === "payment.refund-reported") return this.#hearRefund(news.data)
    if (news.type === "exception.decided") return this.#hearDecision(news.data)
    this.#case = withNews(this.#case, news)
    this.#sinceAt = news.data.at
    if (this.#case.decision !== undefined || this.#case.isCancelled)
      this.#step.settle("return needs a decision", {
        action: "acknowledge",
        reason: `the return is ${news.type.slice(7)}`,
      })
  }

  /** A refund of which its provider tells: its round is looked at again. */
  #hearRefund(report: EventData<"payment.refund-reported">): void {
    if (report.claim === undefined) return
    // A refund that failed does not succeed any more.
    if (this.#reports.get(report.claim)?.state !== "failed") this.#reports.set(report.claim, report)
    for (const work of this.#works.values()) work.isMoneyTried = false
  }

  #hearDecision({ exceptionId, action, decidedBy, at }: EventData<"exception.decided">): void {
    if (exceptionId !== this.#step.exceptionId("return needs a decision") || this.#case.decision !== undefined) return
    const { returnId, orderId } = this.#requested
    const data = { returnId, orderId, by: decidedBy.slice(0, 120), at }
    if (action === "approve the return") this.#tellDecision("return.approved", data)
    if (action === "decline the return")
      this.#tellDecision("return.declined", { ...data, reason: "a person declined it" })
  }

  #tellDecision(...decision: Parameters<typeof tellDecision> extends [Step, ...infer Rest] ? Rest : never): void {
    tellDecision(this.#step, ...decision)
    this.#case = withNews(this.#case, { type: decision[0], fact: "", data: decision[1] } as Parameters<
      typeof withNews
    >[1])
  }

  /** What the rules allow is approved by itself; the rest is declined or asked about, as the policy says. */
  async #decideByRule(): Promise<void> {
    const { policies } = this.#context
    const { returnId, orderId, requestedAt: at } = this.#requested
    const against = objections(this.#sold, { lines: this.#case.announced, at }, policies).map(objectionText)
    if (this.#case.announced.length === 0) against.push("the buyer has nothing of the order")
    const data = { returnId, orderId, by: "crossdock", at }
    if (against.length === 0) return this.#tellDecision("return.approved", data)
    const why = against.join("; ")
    if (policies.onObjection === "decline" && !this.#requested.takenOver)
      return this.#tellDecision("return.declined", { ...data, reason: why.slice(0, 500) })
    await this.#step.raise("return needs a decision", {
      summary: `Return ${returnId} of order ${this.#sold.order.number} is not allowed by the rules: ${why}.`.slice(
        0,
        1000,
      ),
      ifNobodyActs: this.#requested.takenOver
        ? "the goods lie in the store and nothing is given back"
        : "the buyer keeps the goods",
      owner: "customer service",
      allowedActions: ["approve the return", "decline the return"],
    })
  }

  /** Goes on with what is due of every round; what waits does not hold up the rest. */
  async #advance(): Promise<void> {
    if (this.#case.decision !== "approved") return this.#closeDeclined()
    if (this.#case.how === "keep" && this.#case.rounds.length === 0)
      this.#case = kept(this.#case, this.#requested.requestedAt)
    for (const [index, { id }] of this.#case.rounds.entries()) await this.#advanceRound(id, index + 1)
  }

  /** Goods that came all the same are nobody's to refund; they lie where they are. */
  #closeDeclined(): void {
    if (this.#case.decision !== "declined") return
    for (const { id } of this.#case.rounds)
      this.#set(id, { goods: "put away", money: "nothing due", books: "nothing due" })
  }

  async #advanceRound(id: string, n: number): Promise<void> {
    const work = this.#works.get(id) ?? { isMoneyTried: false, isBooksTried: false }
    const isNew = !this.#works.has(id)
    this.#works.set(id, work)
    const round = () => ({ ...this.#round(id), n })
    if (isNew)
      await this.#step.alongside(async () => {
        const { backs, units } = await claimBack(this.#running, round())
        work.units = units
        await putAway(this.#running, round(), backs)
        this.#set(id, { goods: "put away" })
      })
    const { units } = work
    if (units && !work.isMoneyTried) {
      work.isMoneyTried = true
      await this.#step.alongside(async () => {
        const says = (money: Round["money"]) => this.#set(id, { money })
        work.money = await giveBack(this.#running, round(), {
          units,
          reports: this.#reports,
          says,
        })
        this.#set(id, { money: work.money.state })
      })
    }
    await this.#credit(id, { work, n })
  }

  /** Nothing is credited while money is on its way: it may still fail. */
  async #credit(id: string, { work, n }: { work: Work; n: number }): Promise<void> {
    const { money } = work
    const round = this.#round(id)
    if (!money || work.isBooksTried) return
    if (round.money === "nothing due" || (round.money === "left" && money.paid.length === 0))
      return this.#set(id, { books: "nothing due" })
    if (round.money !== "given back") return this.#set(id, { books: "waits for the money" })
    work.isBooksTried = true
    this.#set(id, { books: "being credited" })
    await this.#step.alongside(async () => {
      this.#set(id, { books: await creditBooks(this.#running, { ...round, n }, money) })
    })
  }

  #round(id: string): Round {
    const round = this.#case.rounds.find((one) => one.id === id)
    if (!round) throw new TypeError(`a return without its round ${id}`)
    return round
  }

  #set(id: string, change: Partial<Pick<Round, "goods" | "money" | "books">>): void {
    const rounds = this.#case.rounds.map((one) => (one.id === id ? { ...one, ...change } : one))
    this.#case = { ...this.#case, rounds }
  }

  /** Tells how far the tracks are. The same news has the same name, so it is told once. */
  #say(): void {
    const tracks = tracksOf(this.#case)
    const { returnId, orderId } = this.#requested
    const { presentment: currency } = this.#sold.order.currency
    const works = [...this.#works.values()].flatMap(({ money }) => money ?? [])
    const total = (minor: number) => ({ amountMinor: minor, currency })
    const due = total(works.reduce((sum, one) => sum + one.due.amount.presentment.amountMinor, 0))
    const givenBack = total(works.flatMap(({ paid }) => paid).reduce((sum, { amount }) => sum + amount.amountMinor, 0))
    const name = `${this.#newsCount}:${Object.values(tracks).join("/")}:${givenBack.amountMinor}`
    const state = returnState(this.#case)
    this.#step.tell(part("the return moved on", name), {
      type: "return.progressed",
      data: { returnId, orderId, ...tracks, due, givenBack, at: this.#sinceAt },
    })
    this.#step.announce(part(state, name), state, { amount: givenBack })
  }
}

function tellDecision<Type extends "return.approved" | "return.declined">(
  step: Step,
  type: Type,
  data: EventData<Type>,
): void {
  step.tell(type === "return.approved" ? "approve the return" : "decline the return", { type, data })
}

/** Everything that the buyer has of the order. */
function allWithBuyer({ order, withBuyer }: SoldGoods) {
  return order.lines.flatMap(({ id: lineId, quantity }) => {
    const milli = Math.min(own(withBuyer, lineId) ?? 0, quantity.milli)
    return milli > 0 ? [{ lineId, quantity: { ...quantity, milli } }] : []
  })
}
