import { AppError } from "../base/errors.ts"
import type { Grant } from "../governance/access.ts"
import { hasScope } from "../governance/scopes.ts"
import type { Phase, Step } from "./phases/phase.ts"
import { deduplicate } from "./phases/deduplicate.ts"
import type { GatewayCore } from "./core.ts"
import type { Exchange } from "./exchange.ts"
import { correlate } from "./phases/correlate.ts"
import { throttle } from "./phases/throttle.ts"
import { validate } from "./phases/validate.ts"
import { negotiateVersion } from "./phases/versions.ts"
import { credentialOf } from "./phases/session-cookie.ts"
import { verifySignature } from "./phases/verify-signature.ts"
import type { Violations } from "./metrics.ts"
import type { Answer } from "./route.ts"

/** The phases, in order. Every feature of the gateway belongs to one of them. `describe errors` is the error handler. */
export function pipeline(core: GatewayCore, violations: Violations): readonly Phase[] {
  return [
    correlate(),
    {
      name: "authenticate",
      beforeBody: authenticate(core),
      afterBody: verifySignature(core, violations),
    },
    { name: "authorise", beforeBody: authorise },
    throttle(core),
    negotiateVersion(core.versions),
    validate(core.versions),
    deduplicate(core),
    { name: "handle", afterBody: handle },
  ]
}

function authenticate({ access }: GatewayCore): Step {
  return (exchange) => {
    if (exchange.route.credentials !== "consumer") return
    const grant = access.authenticate(credentialOf(exchange.request))
    if (!(grant instanceof Promise)) {
      exchange.grant = grant
      return
    }
    return waitForGrant(exchange, grant)
  }
}

async function waitForGrant(exchange: Exchange, grant: Promise<Grant>): Promise<void> {
  exchange.grant = await grant
}

function authorise(exchange: Exchange): void {
  const { scope, credentials, reach, id } = exchange.route
  if (credentials !== "consumer") return
  // A route without a scope would be open to every key. The declaration test forbids it; this is the last defence.
  if (scope === undefined || !hasScope(exchange.grant.scopes, scope))
    throw new AppError(
      "PERMISSION_MISSING",
      `the scope ${scope ?? "(none declared)"} is needed for ${id}; ask the owner of the consumer to grant it`,
    )
  if (reach === "all channels" && exchange.channels)
    throw new AppError("PERMISSION_MISSING", `${id} is for consumers of all channels; this one is limited to some`)
}

function handle(exchange: Exchange): void | Promise<void> {
  if (exchange.answer) return
  const answer = exchange.route.handle(exchange)
  if (!(answer instanceof Promise)) {
    exchange.answer = answer
    return
  }
  return waitForAnswer(exchange, answer)
}

async function waitForAnswer(exchange: Exchange, answer: Promise<Answer>): Promise<void> {
  exchange.answer = await answer
}
