import { hashText } from "../random.ts"

export type Decision = "accept" | "review" | "reject"

/** The outcome of one screening, decided at the start and reported when its time comes. */
export type Judgement = {
  decision: Decision
  score: number
  reasons: string[]
  /** How the review ends, whether it began at once or after an accept. */
  reviewEndsWith: "accept" | "reject" | undefined
  isReviewedLater: boolean
}

export type FraudShares = { review: number; reject: number; lateReview: number; rejectAfterReview: number }

export const defaultShares: FraudShares = { review: 0.03, reject: 0.005, lateReview: 0.005, rejectAfterReview: 0.3 }

/** The part of an e-mail address after a plus sign chooses an outcome, so that a demo shows what tests prove. */
const sentinels: Record<string, Pick<Judgement, "decision" | "reviewEndsWith" | "isReviewedLater">> = {
  accept: { decision: "accept", reviewEndsWith: undefined, isReviewedLater: false },
  reject: { decision: "reject", reviewEndsWith: undefined, isReviewedLater: false },
  "review-accept": { decision: "review", reviewEndsWith: "accept", isReviewedLater: false },
  "review-reject": { decision: "review", reviewEndsWith: "reject", isReviewedLater: false },
  "late-accept": { decision: "accept", reviewEndsWith: "accept", isReviewedLater: true },
  "late-reject": { decision: "accept", reviewEndsWith: "reject", isReviewedLater: true },
}

/** Decides by seed and reference alone, so the order of requests does not matter. */
export function judge(options: { seed: number; reference: string; email: string; shares: FraudShares }): Judgement {
  const draw = (purpose: string): number => hashText(`${options.seed}/${purpose}/${options.reference}`) / 2 ** 32
  const asked = sentinels[/\+([a-z-]+)@/.exec(options.email)?.[1] ?? ""]
  const outcome = asked ?? drawnOutcome(options.shares, draw)
  const [low, high] = { accept: [0, 39], review: [60, 84], reject: [85, 100] }[outcome.decision] as [number, number]
  return {
    ...outcome,
    score: low + Math.floor(draw("score") * (high - low + 1)),
    reasons: outcome.decision === "accept" ? [] : [outcome.decision === "reject" ? "EMAIL_ON_LIST" : "UNUSUAL_AMOUNT"],
  }
}

function drawnOutcome(shares: FraudShares, draw: (purpose: string) => number): Omit<Judgement, "score" | "reasons"> {
  const at = draw("decision")
  const ends = draw("ends") < shares.rejectAfterReview ? "reject" : "accept"
  if (at < shares.reject) return { decision: "reject", reviewEndsWith: undefined, isReviewedLater: false }
  if (at < shares.reject + shares.review) return { decision: "review", reviewEndsWith: ends, isReviewedLater: false }
  const isReviewedLater = draw("late") < shares.lateReview
  return { decision: "accept", reviewEndsWith: isReviewedLater ? ends : undefined, isReviewedLater }
}
