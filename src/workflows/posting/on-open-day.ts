import type { BusinessDate } from "../../base/time.ts"
import type { Money } from "../../base/money.ts"
import type { Step } from "../../durable/steps/step.ts"
import { part, type StepName } from "../../durable/steps/step-name.ts"
import { StepRejected } from "../../effects/perform.ts"
import { nextDayToTry } from "../../rules/posting-day.ts"
import type { OrderPolicies } from "../fulfil-order/policies.ts"

interface Posting {
  step: string
  part: string
  /** What is posted, for people. */
  what: string
  businessDate: BusinessDate
  locationId?: string
  /** Left out where another document of the same goods has the money. */
  atRisk?: Money
}

interface PostingWork {
  step: Step
  context: { policies: Pick<OrderPolicies, "onClosedPeriod" | "businessDay"> }
}

/**
 * Posts on the business date; when the books are closed for it, on a later day: by the estate's rule, or on the day that a person
 * names. Each day is a step of its own under the same key, so a document that stands on any of them is found and never repeated.
 */
export async function onOpenDay<Output>(
  work: PostingWork,
  posting: Posting,
  attempt: (name: StepName, postingDate: BusinessDate) => Promise<Output>,
): Promise<Output> {
  let day = posting.businessDate
  for (let n = 1; ; n += 1) {
    try {
      const posted = await attempt(part(posting.step, n === 1 ? posting.part : `${posting.part}:${n}`), day)
      // A person may have linked a document instead of choosing a day.
      work.step.settle(part(closed, closedPart(posting, n)), { action: "acknowledge", reason: "it is posted" })
      return posted
    } catch (thrown) {
      if (!(thrown instanceof StepRejected) || thrown.code !== "PERIOD_CLOSED") throw thrown
      day =
        (await dayByRule(work, posting, { day, n })) ?? (await dayByPerson(work, posting, { day, n, refused: thrown }))
    }
  }
}

const closed = "posting period is closed"
const closedPart = (posting: Posting, n: number) => `${posting.step}:${posting.part}:${n}`

/** Decided once: a later run must not take another day because it is a later day. */
async function dayByRule(
  { step, context }: PostingWork,
  posting: Posting,
  { day, n }: { day: BusinessDate; n: number },
): Promise<BusinessDate | undefined> {
  const { onClosedPeriod, businessDay } = context.policies
  if (onClosedPeriod === "ask") return undefined
  const name = part("choose a posting day", `${posting.step}:${posting.part}:${n}`)
  const chosen = await step.decide(name, () => nextDayToTry(day, businessDay(step.now(), posting.locationId)) ?? null)
  return chosen ?? undefined
}

async function dayByPerson(
  { step }: PostingWork,
  posting: Posting,
  { day, n, refused }: { day: BusinessDate; n: number; refused: StepRejected },
): Promise<BusinessDate> {
  const decision = await step.ask(part(closed, closedPart(posting, n)), {
    summary: `The books are closed on ${day} for ${posting.what}: ${refused.message}`,
    ifNobodyActs: "it is not posted",
    owner: "finance",
    allowedActions: ["retry", "post on day", "leave it"],
    ...(posting.atRisk && { atRisk: posting.atRisk }),
  })
  if (decision.action === "retry") return day
  if (decision.action === "post on day" && decision.day !== undefined) return decision.day
  throw refused
}
