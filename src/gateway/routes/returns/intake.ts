import type { Static } from "typebox"
import { newEvent, type NewEvent } from "../../../canonical/events.ts"
import { validator } from "../../../canonical/validate.ts"
import { checked, type AcceptedRequest, type ApiIntake } from "../../api-deliveries.ts"
import { ReturnRequest, said } from "./returns.ts"

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

/** The same report of one return is one fact, whoever repeats it. */
function factOf({ source, objectId }: AcceptedRequest, what: string): Pick<NewEvent, "fact" | "source"> {
  return { fact: `${source}:return:${ids(objectId)[0]}:${what}`, source }
}

/** Facts from accepted requests. */
export const returnIntake: ApiIntake = {
  "POST /v1/returns": (accepted) => {
    const { body, source, objectId, consumer, receivedAt } = accepted
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
    return newEvent({ type: "return.received", ...factOf(accepted, `received:${id}`), time: data.at, data })
  },
  "POST /v1/returns/{id}/inspect": (accepted) => {
    const { id, ...found } = checked(bodies.inspect, accepted.body)
    const data = { ...saidOf(accepted), ...found }
    return newEvent({ type: "return.inspected", ...factOf(accepted, `inspected:${id}`), time: data.at, data })
  },
}
