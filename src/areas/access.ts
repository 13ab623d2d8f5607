import { consumerRoutes } from "../gateway/routes/access/consumers.ts"
import { IdempotencyKeys } from "../governance/idempotency-keys.ts"
import { ReplayGuard } from "../governance/replay-guard.ts"
import { defineArea } from "./define-area.ts"

/** The consumers of the API, with their scopes and limits. */
export const access = defineArea({
  name: "access",
  routes: ({ core }) => consumerRoutes(core),
  async upkeep({ sql, clock }) {
    await new IdempotencyKeys(sql).expire()
    await new ReplayGuard(sql, clock).expire()
  },
})
