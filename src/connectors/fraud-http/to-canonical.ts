import { AppError, type Problem } from "../../base/errors.ts"
import { deliveredJson } from "../../base/json/delivered.ts"
import { newEvent, type EventData } from "../../canonical/events.ts"
import { validator } from "../../canonical/validate.ts"
import type { Screening } from "../../ports/capabilities/checks.ts"
import type { Delivery, Translation } from "../../ports/capabilities/intake.ts"
import { reference } from "../../ports/write.ts"
import { FraudEvent, type ScreeningAnswer } from "./payloads.ts"

const events = validator(FraudEvent, "fraud event")
const orderIdPattern = /^ord_[0-9a-z]{16}$/

/** The typed decision. VENDOR_VALUE_UNKNOWN for an undocumented one. */
export function screening(answer: ScreeningAnswer, connectionId: string): Screening {
  const { decision, score, reasons } = answer
  if (decision !== "accept" && decision !== "review" && decision !== "reject")
    throw new AppError("VENDOR_VALUE_UNKNOWN", `"${decision}" is not a documented decision of a screening`, {
      problems: [{ pointer: "/decision", message: `unknown value "${decision}"` }],
    })
  return { decision, score, reasons, reference: reference(connectionId, "screening", answer.screeningId) }
}

/** The current decision of a screening: the result of its review, or "review" while one is open. */
export function decisionNow(found: ScreeningAnswer, connectionId: string): Screening["decision"] {
  if (found.final === undefined || found.final === null) return "review"
  return screening({ ...found, decision: found.final }, connectionId).decision
}

/** Translates the opening or end of a review. The event's id identifies the fact: it is equal in every delivery. */
export function translateFraudEvent(delivery: Delivery): Translation {
  const event = readEvent(delivery)
  if (event.type !== "screening.decided" && event.type !== "screening.review-opened")
    return { events: [], ignored: `${event.type} is not used` }
  if (!orderIdPattern.test(event.reference))
    return { events: [], ignored: `${event.reference} is not a screening by Crossdock` }
  const shared = {
    fact: `${delivery.connection}:screening:${event.reference}:${event.type.slice("screening.".length)}:${event.eventId}`,
    source: delivery.connection,
    time: event.occurredAt,
  }
  if (event.type === "screening.review-opened")
    return {
      events: [
        newEvent({
          ...shared,
          type: "order.fraud-review-opened",
          data: { orderId: event.reference, reference: event.reference, at: event.occurredAt },
        }),
      ],
    }
  const { decision } = event
  if (decision !== "accept" && decision !== "reject") throw unknownDecision(decision)
  const data: EventData<"order.fraud-review-decided"> = {
    orderId: event.reference,
    decision,
    decidedBy: delivery.connection,
    at: event.occurredAt,
  }
  return { events: [newEvent({ ...shared, type: "order.fraud-review-decided", data })] }
}

function readEvent(delivery: Delivery): FraudEvent {
  const body = deliveredJson(delivery.bytes)
  const problems: Problem[] = events.problems(body)
  if (problems.length > 0) throw new AppError("TRANSLATION_FAILED", "a fraud event is not as documented", { problems })
  return events.parse(body)
}

function unknownDecision(decision: string | undefined): AppError {
  return new AppError("VENDOR_VALUE_UNKNOWN", `"${decision ?? ""}" is not a documented decision of a review`, {
    problems: [{ pointer: "/decision", message: `unknown value "${decision ?? ""}"` }],
  })
}
