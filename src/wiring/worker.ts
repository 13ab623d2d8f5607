import { Runner } from "../durable/runner.ts"
import { assertNothingStranded } from "../durable/stranded.ts"
import { Worker } from "../durable/worker.ts"
import { findRoute } from "../estate.ts"
import { policiesOf } from "../estate/check-estate.ts"
import { parkedEvent } from "../eventlog/backlog.ts"
import { Subscriptions } from "../eventlog/subscriptions.ts"
import type { Parts, Stop } from "./parts.ts"

/** Starts everything that works through the log; what has started is added to `stops`, also when a later part fails. */
export async function startWorker(parts: Parts, stops: Stop[]): Promise<void> {
  const { areas, estate, sql, log, eventLog, connections, workflows, process } = parts
  await assertNothingStranded(sql, workflows)
  await startSubscriptions(parts, stops)
  for (const area of areas)
    for (const service of area.services?.(parts, policiesOf(estate, area) as never) ?? []) {
      stops.push(async () => service.stop?.())
      await service.start()
    }
  const worker = new Worker({ sql, log, eventLog, connections, runner: runnerOf(parts), process })
  worker.start()
  stops.push(() => worker.stop())
  const upkeep = startUpkeep(parts)
  stops.push(() => Promise.resolve(clearInterval(upkeep)))
}

function runnerOf(parts: Parts): Runner {
  const { areas, estate, connections, clock, log, eventLog, workflows } = parts
  const blocks = new Map(
    areas.map((area) => {
      // The block was checked by the area's own schema at start.
      const block = policiesOf(estate, area) as never
      return [area.name, area.policiesFor ? area.policiesFor(block, parts) : block]
    }),
  )
  return new Runner({
    connections,
    clock,
    log,
    workflows,
    route: (capability, scope, about) => findRoute(estate, capability, { scope, key: about }),
    policies: (block) => blocks.get(block),
    tell: (event) => eventLog.append(event),
  })
}

async function startSubscriptions(parts: Parts, stops: Stop[]): Promise<void> {
  const { areas, sql, log, clock, eventLog } = parts
  const subscriptions = new Subscriptions({
    sql,
    log,
    eventLog,
    onParked: async (name, failure) => void (await eventLog.append(parkedEvent(name, failure, clock.now()))),
  })
  stops.push(() => subscriptions.stop())
  for (const subscriber of areas.flatMap((area) => area.subscribers?.(parts) ?? []))
    await subscriptions.start(subscriber)
}

const upkeepEveryMs = 10_000

/** One area's upkeep that fails is tried again the next time, and keeps no other from its own. */
function startUpkeep(parts: Parts): NodeJS.Timeout {
  const { areas, log } = parts
  return setInterval(() => {
    for (const area of areas)
      area
        .upkeep?.(parts)
        .catch((error: unknown) => log.debug({ err: error, area: area.name }, "upkeep did not finish"))
  }, upkeepEveryMs)
}
