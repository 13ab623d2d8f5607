import { storage, type Sql } from "../base/sql.ts"
import { inBatches } from "./expiry.ts"

/** The stored response of the first request. */
export interface KeptAnswer {
  status: number
  body: unknown
}

export type Claim =
  | { kind: "new" }
  | { kind: "done"; answer: KeptAnswer }
  | { kind: "in progress" }
  | { kind: "used for another request" }

interface ClaimRequest {
  consumerId: string
  key: string
  route: string
  /** Digest of the raw body: a different body under the same key is a different request. */
  digest: string
}

/**
 * Keeps the first response to each idempotency key (draft-ietf-httpapi-idempotency-key-header-07) for a day.
 *
 * `claim` is one statement, so exactly one of several parallel requests gets "new". That request ends with `keep` or,
 * when it failed before anything happened, with `giveUp`. After a minute the claim of a process that died may be taken
 * over.
 */
export class IdempotencyKeys {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
  }

  async claim(request: ClaimRequest): Promise<Claim> {
    const { consumerId, key, route, digest } = request
    const claimed = await storage(
      () => this.#sql`
        insert into idempotency_keys as kept (consumer_id, key, route, digest, claimed_until, expires_at)
        values (${consumerId}, ${key}, ${route}, ${digest}, now() + interval '1 minute', now() + interval '1 day')
        on conflict (consumer_id, key) do update set route = excluded.route, digest = excluded.digest, status = null,
          response = null, claimed_until = excluded.claimed_until, expires_at = excluded.expires_at
        where kept.expires_at < now()
          or (kept.status is null and kept.claimed_until < now() and kept.digest = excluded.digest
            and kept.route = excluded.route)
        returning 1`,
    )
    if (claimed.length > 0) return { kind: "new" }
    const rows = await storage(
      () => this.#sql<{ route: string; digest: string; status: number | null; response: unknown }[]>`
        select route, digest, status, response from idempotency_keys where consumer_id = ${consumerId} and key = ${key}`,
    )
    const kept = rows[0]
    // The row disappeared between the two statements: the first request gave up just now, so the caller may repeat.
    if (!kept) return { kind: "in progress" }
    if (kept.digest !== digest || kept.route !== route) return { kind: "used for another request" }
    return kept.status === null
      ? { kind: "in progress" }
      : { kind: "done", answer: { status: kept.status, body: kept.response } }
  }

  async keep(consumerId: string, key: string, answer: KeptAnswer): Promise<void> {
    await storage(
      () => this.#sql`
        update idempotency_keys set status = ${answer.status}, response = ${JSON.stringify(answer.body)}::text::jsonb
        where consumer_id = ${consumerId} and key = ${key}`,
    )
  }

  async giveUp(consumerId: string, key: string): Promise<void> {
    await storage(
      () => this.#sql`
        delete from idempotency_keys where consumer_id = ${consumerId} and key = ${key} and status is null`,
    )
  }

  /** Deletes expired keys and returns how many. The worker calls this from time to time. */
  async expire(): Promise<number> {
    return inBatches(
      (limit) => this.#sql`
        delete from idempotency_keys where (consumer_id, key) in (
          select consumer_id, key from idempotency_keys where expires_at < now()
          order by expires_at limit ${limit} for update skip locked) returning 1`,
    )
  }
}
