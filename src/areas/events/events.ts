import { instant } from "../../base/time.ts"
import { releaseParked } from "../../eventlog/backlog.ts"
import { registerHeldBack } from "../../eventlog/gauges/held-back.ts"
import { eventRoutes } from "../../gateway/routes/events/events.ts"
import { cloudEvent } from "../../outgoing/cloud-event.ts"
import { defineArea } from "../define-area.ts"

/** The log of business events and its readers. */
export const events = defineArea({
  name: "events",
  actions: [
    {
      name: "try again",
      does: "Puts the parked events of the object back in line for their reader.",
      effect: { kind: "carry out", run: ({ sql }, { about }) => releaseParked(sql, about) },
    },
  ],
  routes: ({ core }) => eventRoutes(core, cloudEvent),
  gauges: (registry, { sql }) => registerHeldBack(registry, sql),
  upkeep: ({ eventLog, clock }) => eventLog.makePartitions(instant(clock.now())),
})
