import { purchasingRoutes } from "../../gateway/routes/stock/purchasing.ts"
import { replenishmentRoutes } from "../../gateway/routes/stock/replenishment.ts"
import { Articles } from "../../stock/articles/articles.ts"
import { forgetPurchases } from "../../stock/on-order/forget.ts"
import { onOrderSubscriber } from "../../stock/on-order/subscriber.ts"
import { tellPurchases } from "../../stock/on-order/tell-purchases.ts"
import {
  declaredLeadTimes,
  ReplenishmentPolicyBlock,
  replenishmentProblems,
  setThresholds,
} from "../../stock/replenishment/policies.ts"
import { readSignals, readSignalSources } from "../../stock/replenishment/read-signals.ts"
import { quietRestMs, watchSignals } from "../../stock/replenishment/watch-signals.ts"
import { defineArea, type AreaParts, type Service } from "../define-area.ts"
import { stockPolicies } from "./incoming.ts"

function watching(parts: AreaParts, policies: ReplenishmentPolicyBlock): Service {
  const { sql, log, clock, eventLog, readers } = parts
  const reader = readers.add({
    name: "replenishment signal",
    what: "The watch over stock that planning is told of",
    meanwhile: "thresholds are not told, and what changed is not seen by who asks for changes",
    everyMs: quietRestMs,
  })
  const names = Object.keys(policies.thresholds ?? {})
  const watch = watchSignals({ sql, log, clock, eventLog, reader, names })
  return {
    async start() {
      await setThresholds(sql, policies)
      watch.start()
    },
    stop: () => watch.stop(),
  }
}

/** What planning is told: what is ordered from suppliers, and the signal by SKU and place. */
export const replenishment = defineArea({
  name: "replenishment",
  policies: {
    schema: ReplenishmentPolicyBlock,
    whenLeftOut: "defaults",
    problems(block: ReplenishmentPolicyBlock, { locations }) {
      return replenishmentProblems(block, new Set(locations.map(({ id }) => id)))
    },
  },
  routes: ({ sql, clock, eventLog, estate }, policies: ReplenishmentPolicyBlock | undefined) => {
    const declaredMs = declaredLeadTimes(policies ?? {})
    return [
      ...purchasingRoutes({
        places: new Set(estate.locations.map(({ id }) => id)),
        tell: (events) => tellPurchases({ sql, eventLog }, events),
      }),
      ...replenishmentRoutes({
        notesChanges: policies !== undefined,
        read: (request) => readSignals(sql, request, { nowMs: clock.now(), declaredMs }),
        sources: () => readSignalSources(sql, clock.now()),
      }),
    ]
  },
  subscribers: ({ sql, policyOf }) => {
    const equations = stockPolicies({ policyOf }).sources ?? {}
    return [onOrderSubscriber({ articles: new Articles(sql), equations })]
  },
  services: (parts, policies: ReplenishmentPolicyBlock | undefined) => (policies ? [watching(parts, policies)] : []),
  upkeep: ({ sql, clock }) => forgetPurchases(sql, clock.now()),
})
