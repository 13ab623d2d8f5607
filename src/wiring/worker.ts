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
  const { areas, estate, sql, log, eventLog, connections, workflows, process, readers } = parts
  await assertNothingStranded(sql, workflows)
  await startSubscriptions(parts, stops)
  const services = areas.flatMap((area) => area.services?.(parts, policiesOf(estate, area) as never) ?? [])
  const reader = readers.add({
    name: "claims of work",
    what: "The claiming of orders and other work that is due",
    meanwhile: "orders and other work stand still; nothing is lost",
    everyMs: 1000,
    lateAfterMs: 30_000,
  })
  const worker = new Worker({ sql, log, eventLog, connections, runner: runnerOf(parts), process, reader })
  const upkeep = startUpkeep(parts)
  stops.push(() => Promise.resolve(clearInterval(upkeep)))
  // Their rows come first: what several processes share is claimed by them.
  await readers.register()
  for (const service of services) {
    stops.push(async () => service.stop?.())
    await service.start()
  }
  worker.start()
  stops.push(() => worker.stop())
}

function runnerOf(parts: Parts): Runner {
  const { areas, estate, connections, clock, log, workflows } = parts
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
  })
}

async function startSubscriptions(parts: Parts, stops: Stop[]): Promise<void> {
  const { areas, sql, log, clock, eventLog, readers } = parts
  const subscriptions = new Subscriptions({
    sql,
    log,
    eventLog,
    onParked: async (name, failure) => void (await eventLog.append(parkedEvent(name, failure, clock.now()))),
    readerOf: (name) =>
      readers.add({
        name: `subscription ${name}`,
        what: `The subscription "${name}"`,
        meanwhile: "what follows from events of its types waits; no event is lost",
        everyMs: 2000,
      }),
  })
  stops.push(() => subscriptions.stop())
  for (const subscriber of areas.flatMap((area) => area.subscribers?.(parts) ?? []))
    await subscriptions.start(subscriber)
}

const upkeepEveryMs = 30_000

/** One area's upkeep that fails is tried again the next time, and keeps no other from its own. */
function startUpkeep(parts: Parts): NodeJS.Timeout {
  const { areas, log, readers } = parts
  const kept = areas.flatMap(({ name, upkeep }) =>
    upkeep
      ? [
          {
            name,
            upkeep,
            reader: readers.add({
              name: `upkeep ${name}`,
              what: `The upkeep of ${name}`,
              meanwhile: "what has expired there stays, and figures are old",
              everyMs: upkeepEveryMs,
            }),
          },
        ]
      : [],
  )
  return setInterval(() => {
    for (const { name, upkeep, reader } of kept)
      reader
        .pass(() => upkeep(parts))
        .catch((error: unknown) => log.debug({ err: error, area: name }, `the upkeep of ${name} did not finish`))
  }, upkeepEveryMs)
}
