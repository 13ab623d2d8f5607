import { newEvent, type EventData, type NewEvent } from "../../../canonical/events.ts"
import { validator } from "../../../canonical/validate.ts"
import { checked, type AcceptedRequest, type ApiIntake } from "../../api-deliveries.ts"
import { reportFact, said, type SaidOfPickup } from "./pickups.ts"

const bodies = {
  accept: validator(said.accept, "pickup report"),
  pick: validator(said.pick, "pickup report"),
  reject: validator(said.reject, "pickup report"),
  "hand-over": validator(said["hand-over"], "handover"),
  "keep-longer": validator(said["keep-longer"], "pickup report"),
  "put-back": validator(said["put-back"], "pickup report"),
}

const types = {
  accept: "pickup.accepted",
  pick: "pickup.picked",
  reject: "pickup.rejected",
  "hand-over": "pickup.handed-over",
  "keep-longer": "pickup.kept-longer",
  "put-back": "pickup.put-back",
} as const satisfies Record<SaidOfPickup, string>

/** The ids that the route put together: the pickup's, its order's and its place's. */
function idsOf(objectId: string) {
  const [pickupId = "", orderId = "", ...place] = objectId.split(" ")
  return { pickupId, orderId, locationId: place.join(" ") }
}

function reportOf(name: SaidOfPickup): (accepted: AcceptedRequest) => NewEvent {
  return ({ body, source, objectId, consumer: by, receivedAt: at }) => {
    const { id, code: _code, ...more } = checked(bodies[name], body) as { id: string; code?: string }
    const ids = idsOf(objectId)
    const type = types[name]
    // The body has just fitted the schema of this report, whose fields are those of its fact.
    const data = { ...ids, ...more, by, at } as EventData<typeof type>
    return newEvent({ type, fact: reportFact(source, ids.pickupId, `${name}:${id}`), source, time: at, data })
  }
}

/** Facts from accepted requests. */
export const pickupIntake: ApiIntake = Object.fromEntries(
  (Object.keys(types) as SaidOfPickup[]).map((name) => [`POST /v1/pickups/{id}/${name}`, reportOf(name)]),
)
