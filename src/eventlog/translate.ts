import { AppError, type Problem } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import type { NewEvent } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import type { Delivery, Translation } from "../ports/capabilities.ts"
import type { Stating } from "../ports/statements.ts"
import { soundFacts } from "./sound-facts.ts"

/** What a delivery says, and what is to be noted on its row. */
export interface Translated {
  events: NewEvent[]
  isParked: boolean
  /** In words: why it was ignored, why it could not be translated. */
  reason?: string
  problems?: readonly Problem[]
}

export interface Translating extends Delivery {
  inboxId: number
  topic: string
  /** How often it was translated before. */
  attempts: number
  at: string
}

interface TranslateOptions {
  translate: (delivery: Delivery) => Translation
  /** What a connection may state; without it only the catalogue of events is asked. */
  stating?: ((connection: string) => Stating | undefined) | undefined
  log: Log
}

/** Translates a delivery by its connection's pure mapping. Never throws: what cannot be translated is parked with every problem. */
export function translateDelivery(delivery: Translating, { translate, stating, log }: TranslateOptions): Translated {
  try {
    const { events, ignored } = translate(delivery)
    const { sound, error } = soundFacts(events, stating?.(delivery.connection))
    // A delivery with bad facts is parked with every problem; its other facts go on.
    if (error) {
      const refused = parked(delivery, error)
      return { ...refused, events: [...sound, ...refused.events] }
    }
    return { events, isParked: false, ...(ignored === undefined ? {} : { reason: ignored }) }
  } catch (thrown) {
    if (!(thrown instanceof AppError))
      log.error({ err: thrown, inboxId: delivery.inboxId, connection: delivery.connection }, "a mapping threw")
    const error =
      thrown instanceof AppError ? thrown : new AppError("TRANSLATION_FAILED", String(thrown), { cause: thrown })
    return parked(delivery, error)
  }
}

/** A delivery that cannot be translated, with the exception that says so. */
export function parked(delivery: Translating, error: AppError): Translated {
  const { inboxId, attempts, connection, topic, via, at } = delivery
  const message = storable(error.message)
  const event: NewEvent<"exception.opened"> = {
    type: "exception.opened",
    fact: `inbox:${inboxId}:parked:${attempts}`,
    source: "crossdock:inbox",
    time: at,
    data: {
      // A row that fails again after it was translated again is a new exception.
      exceptionId: attempts === 0 ? `inbox-${inboxId}` : `inbox-${inboxId}-${attempts}`,
      about: ref("inbox", String(inboxId)),
      cause: error.code,
      summary: `A delivery from ${connection} (${topic || via}) could not be understood: ${message}`.slice(0, 1000),
      doneSoFar: ["its bytes are kept"],
      ifNobodyActs: "it stays parked and what it tells is not known to Crossdock",
      allowedActions: ["translate again", "dismiss"],
      owner: "integration",
      at,
    },
  }
  const problems = error.problems.map((problem) => ({
    ...problem,
    message: storable(problem.message),
    pointer: storable(problem.pointer),
  }))
  return { events: [event], isParked: true, reason: message, problems }
}

/** Text that PostgreSQL takes: what a sender wrote may quote U+0000 or half a surrogate pair. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\uFFFD")
}
