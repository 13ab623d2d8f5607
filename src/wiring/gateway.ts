import { fileURLToPath } from "node:url"
import { AppError } from "../base/errors.ts"
import { setting } from "../base/config.ts"
import { own } from "../base/lookup.ts"
import { answers } from "../base/sql.ts"
import { policiesOf } from "../estate/check-estate.ts"
import type { Readers } from "../eventlog/readers/readers.ts"
import type { GatewayCore, ReadinessCheck } from "../gateway/core.ts"
import { createGateway } from "../gateway/create-gateway.ts"
import { apiVersions, Versions } from "../gateway/phases/versions.ts"
import type { Access } from "../governance/access.ts"
import type { Consumers } from "../governance/consumers.ts"
import { IdempotencyKeys } from "../governance/idempotency-keys.ts"
import { ReplayGuard } from "../governance/replay-guard.ts"
import type { Parts } from "./parts.ts"

/** The gateway with the routes and gauges of all areas. */
export function gatewayOf(parts: Parts, governance: Governance) {
  const core = coreOf(parts, governance)
  for (const area of parts.areas) area.gauges?.(core.registry, parts)
  const routes = parts.areas.flatMap(
    (area) => area.routes?.({ ...parts, core }, policiesOf(parts.estate, area) as never) ?? [],
  )
  return createGateway(core, routes)
}

/** `registry` has the metrics that `/metrics` shows. */
type Governance = { consumers: Consumers; access: Access } & Pick<GatewayCore, "registry">

function coreOf(parts: Parts, governance: Governance): GatewayCore {
  const { sql, clock, log, eventLog, inbox, connections, estate, readers } = parts
  return {
    clock,
    log,
    settings: {
      nodeCount: Number(setting("CROSSDOCK_GATEWAYS") ?? 1),
      title: "Crossdock",
      consoleFolder: fileURLToPath(new URL("../../console/dist", import.meta.url)),
      metricsNeedKey: needMetricsKey(),
    },
    versions: new Versions(apiVersions),
    ...governance,
    idempotencyKeys: new IdempotencyKeys(sql),
    replayGuard: new ReplayGuard(sql, clock),
    inbox,
    eventLog,
    receiver: (id) => {
      const receivesDeliveries = connections.has(id) ? connections.get(id).connected.receivesDeliveries : undefined
      const retryHorizonMs = own(estate.connections, id)?.retryHorizonMs
      const heartbeat = parts.webhooks.get(id)
      return receivesDeliveries
        ? {
            receivesDeliveries,
            ...(heartbeat ? { heartbeat } : {}),
            ...(retryHorizonMs === undefined ? {} : { retryHorizonMs }),
          }
        : undefined
    },
    readiness: async () => {
      const isReady = await answers(sql)
      return [{ name: "database", isReady }, ...(isReady ? await readersBehind(readers) : [])]
    },
  }
}

/** Readers that do not do their work. They are named without the words of an error: anybody may ask for readiness. */
async function readersBehind(readers: Readers): Promise<ReadinessCheck[]> {
  const behind = (await readers.list()).filter(({ state }) => state === "behind" || state === "refused")
  return behind.map(({ name, state, ageMs }) => ({
    name,
    isReady: false,
    isAdvisory: true,
    detail: state === "refused" ? "the key is refused" : `its last success was ${Math.round(ageMs / 1000)} seconds ago`,
  }))
}

function needMetricsKey(): boolean {
  const wanted = setting("CROSSDOCK_METRICS")
  if (wanted === undefined) return !["127.0.0.1", "::1", "localhost"].includes(setting("CROSSDOCK_HOST") ?? "127.0.0.1")
  if (wanted !== "open" && wanted !== "key")
    throw new AppError("CONFIG_INVALID", `CROSSDOCK_METRICS takes open or key, not "${wanted}"`)
  return wanted === "key"
}
