import { asAppError } from "../../base/errors.ts"
import { randomId } from "../../base/ids.ts"
import { own } from "../../base/lookup.ts"
import { durationMs, instant, withDeadline } from "../../base/time.ts"
import { alertRoutes, type Alerts } from "../../gateway/routes/promises/alerts.ts"
import { silenceRoutes } from "../../gateway/routes/promises/silences.ts"
import { AlertPolicyBlock, alertProblems } from "../../operations/alerts/policies.ts"
import { acknowledgeAlert, findAlert, forgetAlerts, listAlerts, listReceivers } from "../../operations/alerts/read.ts"
import { SendsNotices } from "../../operations/alerts/send.ts"
import { endSilence, listSilences, makeSilence } from "../../operations/alerts/silences.ts"
import { groupSource, promiseSource, receiverSource } from "../../operations/alerts/sources.ts"
import { silenceSource } from "../../operations/alerts/silent-channels.ts"
import { WatchesAlerts, type AlertSource } from "../../operations/alerts/watch.ts"
import { addressProblems, wayOf, type Way } from "../../operations/alerts/ways.ts"
import { listGroups } from "../../operations/groups/groups.ts"
import type { OperationsPolicyBlock } from "../../operations/policies.ts"
import type { CapabilityName } from "../../ports/capabilities.ts"
import type { Connected } from "../../ports/connector.ts"
import { usualTimes } from "../../rules/alerts/thread.ts"
import type { NamedPromise } from "../../rules/promises/definition.ts"
import { outcomes } from "../../rules/promises/outcomes.ts"
import { defineArea, type AreaParts, type Service } from "../define-area.ts"
import { promiseReads, promisesOf } from "./promises.ts"

const consoleUrlDefault = "http://127.0.0.1:4400/console"

function wayTo(name: string, { receivers = {} }: AlertPolicyBlock, { clock, connections }: AreaParts): Way | undefined {
  const receiver = own(receivers, name)
  const mails = (id: string) => (connections.has(id) ? connections.get(id).connected.mailsStaff : undefined)
  return receiver && wayOf(receiver, { clock, mails })
}

/** Connections that a promise's outcome depends on. */
function needsOf({ estate }: AreaParts): (promise: NamedPromise) => string[] {
  return ({ of }) => {
    const needed: readonly CapabilityName[] = outcomes[of].needs
    const routes = estate.routes.filter(({ capability }) => [capability].flat().some((name) => needed.includes(name)))
    return [...new Set(routes.map(({ connection }) => connection))]
  }
}

function sourcesOf(parts: AreaParts, { groups = {}, silenceOfOrders = true }: AlertPolicyBlock): AlertSource[] {
  const { ranking } = (parts.policyOf("operations") ?? {}) as OperationsPolicyBlock
  const options = { sql: parts.sql, clock: parts.clock, ...(ranking ? { ranking } : {}) }
  // Whoever sells says who captures.
  const channels = Object.entries(parts.estate.connections).flatMap(([id, { captures }]) => (captures ? [id] : []))
  const { promises } = promisesOf(parts)
  return [
    groupSource(async () => (await listGroups(options, { state: "all" })).items, groups),
    promiseSource({ reads: promiseReads(parts), promises, needs: needsOf(parts) }),
    silenceSource(options, silenceOfOrders ? channels : []),
    receiverSource(options),
  ]
}

function watching(parts: AreaParts, policies: AlertPolicyBlock): Service {
  const { teams = {}, everybody = [], escalateAfter, consoleUrl = consoleUrlDefault, deadMansSwitch } = policies
  const { ranking } = (parts.policyOf("operations") ?? {}) as OperationsPolicyBlock
  const reader = parts.readers.add({
    name: "watch for alerts",
    what: "The watch for what people have to be told of",
    meanwhile: "nobody is told of anything new",
    everyMs: 10_000,
  })
  return new WatchesAlerts({
    ...parts,
    sources: sourcesOf(parts, policies),
    recipients: { teams, everybody },
    times: { ...usualTimes, ...(escalateAfter ? { escalateMs: durationMs(escalateAfter) } : {}) },
    consoleUrl: consoleUrl.replace(/\/$/, ""),
    ranking,
    deadMansSwitch,
    onPass: (failed) => (failed === undefined ? reader.succeeded() : reader.failed(failed)),
  })
}

function sending(parts: AreaParts, policies: AlertPolicyBlock): SendsNotices {
  const ways = Object.keys(policies.receivers ?? {}).flatMap((name): [string, Way][] => {
    const way = wayTo(name, policies, parts)
    return way ? [[name, way]] : []
  })
  return new SendsNotices({ ...parts, ways: new Map(ways) })
}

const testMs = 20_000

/** Sends a message at once, past all waiting, and says how it went. */
async function tested(name: string, by: string, { way, at }: { way: Way; at: string }): Promise<object> {
  const message = {
    id: randomId("test"),
    kind: "test" as const,
    title: `Test of the alerts of Crossdock to ${name}`,
    lines: [`${by} asked for it. Nothing is wrong.`],
    at,
  }
  try {
    await withDeadline(testMs, (signal) => way.send(message, signal))
    return { receiver: name, id: message.id, isTaken: true }
  } catch (thrown) {
    return { receiver: name, id: message.id, isTaken: false, error: asAppError(thrown).message }
  } finally {
    way.close()
  }
}

function viewsOf(parts: AreaParts, policies: AlertPolicyBlock): Alerts {
  const { sql, clock } = parts
  return {
    list: (request) => listAlerts(sql, request),
    find: (id) => findAlert(sql, id),
    acknowledge: (id, act) => acknowledgeAlert(parts, id, act),
    receivers: () => listReceivers(sql, policies),
    async test(name, by) {
      const way = wayTo(name, policies, parts)
      return way && tested(name, by, { way, at: instant(clock.now()) })
    },
  }
}

const canMail = (connected: ReadonlyMap<string, Connected>) => (id: string) =>
  !connected.has(id) || connected.get(id)?.mailsStaff !== undefined

/** What people are told, by which way, and what they asked not to be told. */
export const alerts = defineArea({
  name: "alerts",
  policies: {
    schema: AlertPolicyBlock,
    whenLeftOut: "defaults",
    problems: (block: AlertPolicyBlock, _estate, connected) => [
      ...alertProblems(block, canMail(connected)),
      ...addressProblems(block.receivers),
    ],
  },
  routes: (parts, policies: AlertPolicyBlock | undefined) => [
    ...alertRoutes(viewsOf(parts, policies ?? {})),
    ...silenceRoutes({
      list: (filter) => listSilences(parts, filter),
      make: (wanted) => makeSilence(parts, wanted),
      end: (id, by) => endSilence(parts, id, by),
    }),
  ],
  services: (parts, policies: AlertPolicyBlock | undefined) => [
    watching(parts, policies ?? {}),
    sending(parts, policies ?? {}),
  ],
  upkeep: ({ sql, clock }) => forgetAlerts({ sql, clock }),
})
