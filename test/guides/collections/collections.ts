import { defineArea } from "../../../src/areas/define-area.ts"
import { derivedId } from "../../../src/base/ids.ts"
import { newEvent } from "../../../src/canonical/events.ts"
import { collectionIntake, collectionRoutes } from "./collections-route.ts"
import { CollectionPolicies, remindToCollect } from "./remind-to-collect.ts"

/** Orders that buyers collect in a store. */
export const collections = defineArea({
  name: "collections",
  policies: { schema: CollectionPolicies, whenLeftOut: "off" },
  workflows: [remindToCollect],
  routes: ({ core }) => collectionRoutes(core),
  intake: collectionIntake,
  actions: [
    { name: "wait longer", does: "Keeps the goods in the store.", effect: { kind: "wake" } },
    {
      name: "send it back",
      does: "Requests a return of the goods.",
      effect: {
        kind: "append",
        event: ({ id, orderId = "" }, { by, at }) =>
          newEvent({
            type: "return.requested",
            fact: `exception:${id}:return`,
            source: "crossdock:exceptions",
            time: at,
            data: {
              returnId: derivedId("ret", orderId, id),
              orderId,
              reason: "not collected",
              requestedBy: by,
              requestedAt: at,
            },
          }),
      },
    },
  ],
})
