import { hash } from "node:crypto"
import { AppError } from "../../base/errors.ts"
import type { IdempotencyKeys } from "../../governance/idempotency-keys.ts"
import type { Exchange } from "../exchange.ts"
import type { Phase } from "./phase.ts"

const saneKey = /^[\x21-\x7e]{1,255}$/

/**
 * Applies `Idempotency-Key` on the routes that declare it. Routes with natural keys need no row here: their facts and
 * reservations are already unique, so the header is accepted and has no effect.
 */
export function deduplicate({ idempotencyKeys }: { idempotencyKeys: IdempotencyKeys }): Phase {
  return {
    name: "deduplicate",
    afterBody(exchange) {
      const key = givenKey(exchange)
      return key === undefined ? undefined : claimKey(idempotencyKeys, exchange, key)
    },
    afterAnswer(exchange) {
      const { answer, consumerId, idempotencyKey } = exchange
      if (idempotencyKey === undefined || !answer) return
      // The request has taken effect. Even when its response cannot be stored, the claim must not be given up.
      exchange.idempotencyKey = undefined
      return idempotencyKeys.keep(consumerId, idempotencyKey, { status: answer.status, body: answer.body ?? null })
    },
    afterError({ consumerId, idempotencyKey }) {
      // Handlers are one transaction or nothing, so after an error the same key may be used again.
      return idempotencyKey === undefined ? undefined : idempotencyKeys.giveUp(consumerId, idempotencyKey)
    },
  }
}

async function claimKey(idempotencyKeys: IdempotencyKeys, exchange: Exchange, key: string): Promise<void> {
  const claim = await idempotencyKeys.claim({
    consumerId: exchange.consumerId,
    key,
    route: `${exchange.route.method} ${exchange.request.url}`,
    digest: hash("sha256", exchange.bytes),
  })
  if (claim.kind === "in progress")
    throw new AppError("REQUEST_IN_PROGRESS", `a request with the key ${key} is still in progress`, {
      retryAfterMs: 1000,
    })
  if (claim.kind === "used for another request")
    throw new AppError("IDEMPOTENCY_KEY_REUSED", `the key ${key} was used for another request`)
  if (claim.kind === "new") exchange.idempotencyKey = key
  else exchange.answer = { ...claim.answer, headers: { "idempotent-replayed": "true" } }
}

function givenKey(exchange: Exchange): string | undefined {
  if (exchange.route.repeats !== "idempotency key") return undefined
  const key = exchange.header("idempotency-key")
  if (key === undefined) return undefined
  if (!saneKey.test(key))
    throw new AppError("REQUEST_MALFORMED", "the Idempotency-Key cannot be used", {
      problems: [
        { pointer: "header:idempotency-key", message: "must be 1 to 255 printable ASCII characters, no blanks" },
      ],
    })
  return key
}
