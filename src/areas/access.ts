import { consumerRoutes } from "../gateway/routes/access/consumers.ts"
import { identityProviderRoutes } from "../gateway/routes/access/identity-provider.ts"
import { personRoutes } from "../gateway/routes/access/people.ts"
import { sessionRoutes } from "../gateway/routes/access/session.ts"
import { IdempotencyKeys } from "../governance/idempotency-keys.ts"
import { People } from "../governance/people/people.ts"
import { ReplayGuard } from "../governance/replay-guard.ts"
import { SignInLimits } from "../governance/people/sign-in-limits.ts"
import { defineArea } from "./define-area.ts"

/** Who may call: programs with their keys, people with their sessions; scopes and limits of both. */
export const access = defineArea({
  name: "access",
  routes({ core, sql, clock, estate }) {
    const people = new People(sql, clock)
    return [
      ...consumerRoutes(core),
      ...personRoutes({ people, core }),
      ...identityProviderRoutes({ people, core, provider: estate.identityProvider }),
      ...sessionRoutes({ people, limits: new SignInLimits(clock), core, storeTimeZone: estate.locations[0]?.timeZone }),
    ]
  },
  async upkeep({ sql, clock }) {
    await new IdempotencyKeys(sql).expire()
    await new ReplayGuard(sql, clock).expire()
    await new People(sql, clock).expire()
  },
})
