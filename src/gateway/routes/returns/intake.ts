import type { Static } from "typebox"
import { newEvent, type NewEvent } from "../../../canonical/events.ts"
import type { ReturnObjection } from "../../../canonical/returns/parts.ts"
import { validator } from "../../../canonical/validate.ts"
import { checked, type AcceptedRequest, type ApiIntake } from "../../api-deliveries.ts"
import { ReturnRequest, said, saidFact, toldAs } from "./returns.ts"

const request = validator(ReturnRequest, "return request")
const bodies = {
  approve: validator(said.approve, "decision"),
  decline: validator(said.decline, "decision"),
  dispatch: validator(said.dispatch, "dispatch"),
  receive: validator(said.receive, "receipt"),
  inspect: validator(said.inspect, "inspection"),
  cancel: validator(said.cancel, "cancellation"),
}

/** The ids that the route put together: the return's, and its order's or channel's. */
function ids(objectId: string): [string, string] {
  const [returnId = "", other = ""] = objectId.split(" ")
  return [returnId, other]
}

function saidOf({ objectId, consumer: by, receivedAt: at }: AcceptedRequest) {
  const [returnId, orderId] = ids(objectId)
  return { returnId, orderId, by, at }
}

const factOf = ({ source, objectId }: AcceptedRequest, what: string): Pick<NewEvent, "fact" | "source"> =>
  saidFact(source, ids(objectId)[0], what)

/** Facts from accepted requests. */
export const returnIntake: ApiIntake = {
  "POST /v1/returns": (accepted) => {
    const { body, source, objectId, consumer, receivedAt, found } = accepted
    const { reference, language: _language, ...asked } = checked(request, body)
    const [returnId, channel] = ids(objectId)
    return newEvent({
      type: "return.requested",
      fact: `return:${returnId}:requested`,
      source,
      time: receivedAt,
      data: {
        returnId,
        channel,
        reference: { system: source.slice(0, 64), type: "return", id: reference },
        ...asked,
        ...(found === undefined ? {} : { objections: JSON.parse(found) as ReturnObjection[] }),
        requestedBy: consumer,
        requestedAt: receivedAt,
      },
    })
  },
  "POST /v1/returns/{id}/approve": (accepted) => {
    const data = { ...saidOf(accepted), ...checked(bodies.approve, accepted.body) }
    return newEvent({ type: "return.approved", ...factOf(accepted, "approved"), time: data.at, data })
  },
  "POST /v1/returns/{id}/decline": (accepted) => {
    const data = { ...saidOf(accepted), ...checked(bodies.decline, accepted.body) }
    return newEvent({ type: "return.declined", ...factOf(accepted, "declined"), time: data.at, data })
  },
  "POST /v1/returns/{id}/cancel": (accepted) => {
    const data = { ...saidOf(accepted), ...checked(bodies.cancel, accepted.body) }
    return newEvent({ type: "return.cancelled", ...factOf(accepted, "cancelled"), time: data.at, data })
  },
  "POST /v1/returns/{id}/dispatch": (accepted) => {
    const sent: Static<typeof said.dispatch> = checked(bodies.dispatch, accepted.body)
    const data = { ...saidOf(accepted), ...sent }
    const what = `dispatched:${sent.trackingNumber ?? ""}`
    return newEvent({ type: "return.in-transit", ...factOf(accepted, what), time: data.at, data })
  },
  "POST /v1/returns/{id}/receive": (accepted) => {
    const { id, locationId, lines } = checked(bodies.receive, accepted.body)
    const data = {
      ...saidOf(accepted),
      locationId,
      lines: lines.map(({ lineId, quantity }) => ({ lineId, quantity })),
    }
    return newEvent({ type: "return.received", ...factOf(accepted, `${toldAs.receive}:${id}`), time: data.at, data })
  },
  "POST /v1/returns/{id}/inspect": (accepted) => {
    const { id, ...found } = checked(bodies.inspect, accepted.body)
    const data = { ...saidOf(accepted), ...found }
    return newEvent({ type: "return.inspected", ...factOf(accepted, `${toldAs.inspect}:${id}`), time: data.at, data })
  },
}
