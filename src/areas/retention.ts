import { sleep } from "../base/time.ts"
import { retentionRoutes } from "../gateway/routes/operations/retention.ts"
import { Retention } from "../governance/retention.ts"
import { defineArea, type AreaParts, type Service } from "./define-area.ts"

const everyMs = 600_000

const retentionOf = ({ sql, clock, estate }: AreaParts) => new Retention(sql, clock, estate.retention)

/** Removes what is older than the estate's policy, at the start of a worker and every ten minutes. */
function removal(parts: AreaParts): Service {
  const { log, readers } = parts
  const reader = readers.add({
    name: "retention",
    what: "The removal of what is older than it may be",
    meanwhile: "old data stays, personal data too, and the database grows",
    everyMs,
  })
  const retention = retentionOf(parts)
  const ending = new AbortController()
  const run = async () => {
    for (const done of await retention.run(ending.signal)) log.info({ done }, "removed by retention")
  }
  const repeat = async () => {
    while (!ending.signal.aborted) {
      await reader
        .pass(run)
        .catch((error: unknown) => log.warn({ err: error }, "retention did not finish; it goes on later"))
      await sleep(everyMs, ending.signal).catch(() => undefined)
    }
  }
  let running = Promise.resolve()
  return {
    start() {
      running = repeat()
    },
    async stop() {
      ending.abort()
      await running
    },
  }
}

/** How long things are kept. */
export const retention = defineArea({
  name: "retention",
  services: (parts) => [removal(parts)],
  routes: (parts) => retentionRoutes(() => retentionOf(parts).report()),
})
