import { derivedId } from "../http-json/protocol.ts"
import type { EventEmitter } from "../http-json/standard-webhooks.ts"
import type { KeptMap } from "../keep/kept.ts"
import { randomStream } from "../random.ts"
import type { Range } from "../schedule.ts"
import { createSchedule } from "../schedule.ts"
import type { SimulatorContext } from "../simulator.ts"
import type { Decision, FraudShares, Judgement } from "./judgement.ts"
import { defaultShares, judge } from "./judgement.ts"

export type Screening = {
  screeningId: string
  reference: string
  decision: Decision
  score: number
  reasons: string[]
  final: "accept" | "reject" | null
  isReviewOpen: boolean
  /** Number of later reviews; each is an event of its own. */
  rounds: number
  /** The outcome that time brings without a person. */
  plan: Pick<Judgement, "reviewEndsWith" | "isReviewedLater">
}

type DeskParts = {
  emitter: EventEmitter
  shares: Partial<FraudShares> | undefined
  /** Duration of a review; null: reviews do not end by themselves. */
  reviewMs: Range | null | undefined
}

/** The reviewers (people or models): keeps every screening and ends reviews after a while. */
export class Desk {
  readonly #screenings: KeptMap<string, Screening>
  readonly #schedule = createSchedule()
  readonly #emitter: EventEmitter
  readonly #judging: { seed: number; shares: FraudShares }
  readonly #reviewMs: Range | null

  constructor(context: SimulatorContext, { emitter, shares, reviewMs }: DeskParts) {
    this.#emitter = emitter
    this.#judging = { seed: context.seed, shares: { ...defaultShares, ...shares } }
    this.#reviewMs = reviewMs === undefined ? { min: 300, max: 1_500 } : reviewMs
    this.#screenings = context.keep("screenings")
    // Reviews that were open when the previous lab ended.
    for (const screening of this.#screenings.values()) this.#planReview(screening)
  }

  find(reference: string): Screening | undefined {
    return this.#screenings.get(reference)
  }

  all(): Screening[] {
    return [...this.#screenings.values()]
  }

  open({ reference, email }: { reference: string; email: string }): Screening {
    const { decision, score, reasons, reviewEndsWith, isReviewedLater } = judge({ ...this.#judging, reference, email })
    const screening: Screening = {
      screeningId: derivedId("scr_", reference),
      reference,
      decision,
      score,
      reasons,
      final: decision === "review" ? null : decision,
      isReviewOpen: decision === "review",
      rounds: 0,
      plan: { reviewEndsWith, isReviewedLater },
    }
    this.#screenings.set(reference, screening)
    this.#planReview(screening)
    return screening
  }

  /** Ends a review that is open; false when none is. */
  decide(reference: string, decision: "accept" | "reject"): boolean {
    const screening = this.#screenings.get(reference)
    if (screening === undefined || !screening.isReviewOpen) return false
    screening.isReviewOpen = false
    screening.final = decision
    this.#screenings.changed(reference)
    const fact = `${reference}/${screening.rounds}`
    this.#emitter.emit({ type: "screening.decided", fact, fields: { reference, decision } })
    return true
  }

  /** Reviews an accepted order again. */
  reopen(reference: string): boolean {
    const screening = this.#screenings.get(reference)
    if (screening === undefined || screening.isReviewOpen || screening.decision !== "accept") return false
    if (screening.final === "reject") return false
    screening.isReviewOpen = true
    screening.final = null
    screening.rounds += 1
    this.#screenings.changed(reference)
    const fact = `${reference}/${screening.rounds}`
    this.#emitter.emit({ type: "screening.review-opened", fact, fields: { reference } })
    return true
  }

  reset(): void {
    this.#schedule.clear()
    this.#screenings.clear()
  }

  stop(): void {
    this.#schedule.clear()
  }

  #planReview({ reference, plan, final, isReviewOpen, rounds }: Screening): void {
    const { reviewEndsWith, isReviewedLater } = plan
    const reviewMs = this.#reviewMs
    if (reviewEndsWith === undefined || reviewMs === null) return
    const isYetToOpen = isReviewedLater && rounds === 0 && final === "accept"
    if (!isYetToOpen && !isReviewOpen) return
    const random = randomStream(this.#judging.seed, `fraud/review/${reference}`)
    const openMs = isYetToOpen ? random.integer(reviewMs.min, reviewMs.max) : 0
    if (isYetToOpen) this.#schedule.after(openMs, () => this.reopen(reference))
    const endMs = openMs + random.integer(reviewMs.min, reviewMs.max)
    this.#schedule.after(endMs, () => this.decide(reference, reviewEndsWith))
  }
}
