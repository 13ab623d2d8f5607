import { AppError } from "../base/errors.ts"
import { own } from "../base/lookup.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { Validator } from "../canonical/validate.ts"
import type { Delivery, Translation } from "../ports/capabilities/intake.ts"
import { parseJson } from "./phases/parse-json.ts"
import { Versions } from "./phases/versions.ts"

/** Headers in which the gateway stores the parts of a request that are not in its body. */
export const apiHeaders = {
  route: "crossdock-route",
  version: "crossdock-version",
  objectId: "crossdock-object-id",
  consumer: "crossdock-consumer",
  found: "crossdock-found",
} as const

/** The connection under which the inbox stores a consumer's requests. */
export function apiConnection(consumerId: string): string {
  return `api:${consumerId}`
}

/** A request that was accepted, with its body in the newest version. */
export interface AcceptedRequest {
  body: unknown
  source: string
  /** The business object that the path or the body names. */
  objectId: string
  consumer: string
  receivedAt: string
  /** What its route found out before it answered, as JSON; for a fact that has to answer a repeat in the same way. */
  found?: string
}

/** By route id: how an accepted request becomes a fact. Pure; TRANSLATION_FAILED with every problem. */
export type ApiIntake = Readonly<Record<string, (request: AcceptedRequest) => NewEvent>>

/**
 * Translates deliveries of connections named `api:…`, which are requests to the API, into canonical facts. Pure.
 *
 * TRANSLATION_FAILED with every problem; the gateway checked the same before it accepted, so that only happens to rows written
 * by an older version of the rules.
 */
export function translateApiDelivery(
  delivery: Delivery,
  { intake, versions = allVersions }: { intake: ApiIntake; versions?: Versions },
): Translation {
  const { route, version, objectId, consumer, found } = apiHeaders
  const routeId = delivery.headers[route] ?? ""
  const translate = own(intake, routeId)
  if (!translate) throw new AppError("TRANSLATION_FAILED", `there is no translation for requests to "${routeId}"`)
  const parsed = parseJson(Buffer.from(delivery.bytes))
  const event = translate({
    body: versions.upgrade(routeId, delivery.headers[version] ?? "", parsed),
    source: delivery.connection,
    objectId: delivery.headers[objectId] ?? "",
    consumer: delivery.headers[consumer] ?? "",
    receivedAt: delivery.receivedAt,
    ...(delivery.headers[found] === undefined ? {} : { found: delivery.headers[found] }),
  })
  return { events: [event] }
}

const allVersions = new Versions()

/** A body with its type, for an intake. TRANSLATION_FAILED with every problem. */
export function checked<Value>(body: Validator<Value>, value: unknown): Value {
  const problems = body.problems(value)
  if (problems.length > 0) throw new AppError("TRANSLATION_FAILED", "the body does not match its schema", { problems })
  return body.parse(value)
}
