import { repeated } from "../base/time.ts"
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
  const run = async (signal: AbortSignal) => {
    for (const done of await retention.run(signal)) log.info({ done }, "removed by retention")
  }
  return repeated((signal) => reader.pass(() => run(signal)), {
    everyMs,
    onError: (thrown) => log.warn({ err: thrown }, "retention did not finish; it goes on later"),
  })
}

/** How long things are kept. */
export const retention = defineArea({
  name: "retention",
  services: (parts) => [removal(parts)],
  routes: (parts) => retentionRoutes(() => retentionOf(parts).report()),
})
