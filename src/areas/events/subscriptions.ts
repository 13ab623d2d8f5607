import { Type, type Static } from "typebox"
import { asAppError } from "../../base/errors.ts"
import { randomId } from "../../base/ids.ts"
import { instant } from "../../base/time.ts"
import type { NewEvent } from "../../canonical/events.ts"
import { entity } from "../../canonical/parts.ts"
import { parkedEvent } from "../../eventlog/backlog.ts"
import { eventSubscriptionRoutes, type EventSubscriptionsApi } from "../../gateway/routes/events/subscriptions.ts"
import { leaveOutParked } from "../../eventlog/readers/positions.ts"
import { EventSubscriptions, readerName } from "../../outgoing/event-subscriptions.ts"
import { forgetGhosts } from "../../outgoing/ghosts.ts"
import { KeepsSending } from "../../outgoing/keeper.ts"
import { addressProblem, SendsEvents } from "../../outgoing/sends-events.ts"
import { defineArea, type AreaParts } from "../define-area.ts"

const Block = entity("Subscription policies", {
  signingKey: Type.String({
    minLength: 24,
    description:
      "The secrets of subscriptions are derived from it: 24 random characters or more, the same on every machine. Another key gives every subscription another secret at once.",
  }),
  allowPrivateNetwork: Type.Optional(
    Type.Boolean({ description: "Whether private addresses, and http, may be called. Default false." }),
  ),
})
type Block = Static<typeof Block>

function apiOf(
  { sql, clock, readers }: AreaParts,
  { signingKey, allowPrivateNetwork = false }: Block,
): EventSubscriptionsApi {
  const store = new EventSubscriptions(sql, signingKey)
  return {
    list: () => store.list(),
    find: (id) => store.find(id),
    create: (id, wanted, by) => store.create(id, wanted, by),
    change: (id, wanted, by) => store.change(id, wanted, by),
    async act(act, id, by) {
      await store[act](id, by)
      // Whoever is asked to be silent is not late.
      if (act !== "resume") await readers.remove(readerName(id))
    },
    replay: (id, since, by) => store.replay(id, since, by),
    rotate: (id, by) => store.rotate(id, by),
    addressProblem: (url) => addressProblem(url, allowPrivateNetwork),
    async test(id) {
      const stop = new AbortController()
      const receiver = { name: readerName(id), types: [], allowPrivateNetwork, ...(await store.receiverOf(id)) }
      const sender = new SendsEvents(receiver, { clock, stop: stop.signal })
      const message = randomId("test")
      const time = instant(clock.now())
      const data = { subscription: id, text: "Somebody asked for it. Nothing happened." }
      const event = { specversion: "1.0", id: message, type: "crossdock.test", source: "crossdock", time, data }
      try {
        await sender.post(message, JSON.stringify(event))
        return { id: message, isTaken: true }
      } catch (thrown) {
        return { id: message, isTaken: false, error: asAppError(thrown).message }
      } finally {
        stop.abort()
      }
    },
  }
}

/** Other teams' systems that the events of the log are sent to. */
export const subscriptions = defineArea({
  name: "subscriptions",
  policies: { schema: Block, whenLeftOut: "off" },
  actions: [
    {
      name: "leave out",
      does: "Leaves out the event that the receiver of an event subscription refuses; later ones of its object go on.",
      effect: { kind: "carry out", run: ({ sql }, { about }) => leaveOutParked(sql, about, readerName("")) },
    },
  ],
  upkeep: (parts) => forgetGhosts(parts),
  routes: (parts, block: Block) => eventSubscriptionRoutes(apiOf(parts, block)),
  services: (parts, { signingKey, allowPrivateNetwork = false }: Block) => [
    new KeepsSending({
      ...parts,
      store: new EventSubscriptions(parts.sql, signingKey),
      process: randomId("sender"),
      allowPrivateNetwork,
      onParked: async (name, failure) => {
        const event = parkedEvent(name, failure, parts.clock.now())
        const data = { ...event.data, allowedActions: ["try again", "leave out", "acknowledge"] }
        await parts.eventLog.append({ ...event, data } as NewEvent)
      },
    }),
  ],
})
