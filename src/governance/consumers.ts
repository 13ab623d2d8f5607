import { createHash } from "node:crypto"
import { AppError } from "../base/errors.ts"
import { randomId } from "../base/ids.ts"
import { sqlState, storage, type Sql, type SqlTransaction } from "../base/sql.ts"
import type { Instant } from "../base/time.ts"
import { audited } from "./audit.ts"
import { scopesOf } from "./people/roles.ts"

/** A system that calls Crossdock, or a person who uses the console. */
export interface Consumer {
  id: string
  name: string
  /** The team responsible for it. */
  owner: string
  scopes: readonly string[]
  /** Channels it may see and change; undefined means all. */
  channels: readonly string[] | undefined
  ratePerSecond: number
  burst: number
  /** The API version of its requests that name none. */
  apiVersion: string
  oauthClientId: string | undefined
  isActive: boolean
  /** Of a person; its scopes follow from them. */
  roles?: readonly string[]
  /** Places whose receipts it sends, whose stock it counts and whose work it sees; left out means all. */
  stores?: readonly string[]
}

export interface NewConsumer {
  id: string
  name: string
  owner: string
  scopes: readonly string[]
  channels?: readonly string[]
  stores?: readonly string[]
  ratePerSecond?: number
  burst?: number
  apiVersion: string
  oauthClientId?: string
}

/** A key as lists show it. The secret itself is returned only once, when the key is made. */
export interface ApiKey {
  id: string
  consumerId: string
  createdAt: Instant
  expiresAt: Instant | undefined
  lastUsedAt: Instant | undefined
}

/** The data of a live key that authentication needs. */
export interface KeyRecord {
  id: string
  hash: string
  consumerId: string
  expiresAtMs: number
}

/** Of a consumer for which nobody chose a rate. */
export const rateDefaults = { ratePerSecond: 50, burst: 100 } as const

const liveKeysMax = 2
/** Who changes access when no person and no other consumer does: Crossdock at its start. */
const ownName = "crossdock"
// PostgreSQL 18, appendix A.
const uniqueViolation = "23505"

export const keyIdLength = "cdk_".length + 10

/** A new key's text, which begins with its id. It works once `addKey` has stored its hash. */
export function newKey(): string {
  const random = () => randomId("k").slice(2)
  // Two draws of 80 bits.
  return `cdk_${random().slice(0, 10)}_${random()}${random()}`
}

/** SHA-256 of a key's text, in hex. */
export function keyHash(key: string): string {
  return createHash("sha256").update(key).digest("hex")
}

/**
 * Consumers and their keys in PostgreSQL.
 *
 * `addKey` returns the key once; only its hash is kept. A consumer has at most two live keys, enough to rotate without
 * a gap: make the new one, deploy it, revoke the old one. Throws STATE_FORBIDS for a third key, NOT_FOUND for an
 * unknown consumer.
 */
export class Consumers {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /**
   * Creates a consumer or updates an existing one to this description; its keys stay. STATE_FORBIDS when another consumer has
   * its OAuth client. Every change of access leaves an audit row: `by` did it.
   */
  async put(consumer: NewConsumer, by = ownName): Promise<void> {
    const { id, name, owner, scopes, channels, stores, ratePerSecond, burst, apiVersion, oauthClientId } = consumer
    const write = (transaction: SqlTransaction) =>
      transaction`
        insert into consumers (id, name, owner, scopes, channels, stores, rate_per_second, burst, api_version, oauth_client_id)
        values (${id}, ${name}, ${owner}, ${[...scopes]}, ${channels ? [...channels] : null}, ${stores ? [...stores] : null},
          ${ratePerSecond ?? rateDefaults.ratePerSecond}, ${burst ?? rateDefaults.burst}, ${apiVersion}, ${oauthClientId ?? null})
        on conflict (id) do update set name = excluded.name, owner = excluded.owner, scopes = excluded.scopes,
          channels = excluded.channels, stores = excluded.stores, rate_per_second = excluded.rate_per_second, burst = excluded.burst,
          api_version = excluded.api_version, oauth_client_id = excluded.oauth_client_id, is_active = true, updated_at = now()`
    await this.#change(
      { by, action: "put consumer", subject: id, detail: { scopes, channels, stores, ratePerSecond, burst } },
      write,
    ).catch((thrown: unknown) => {
      if (sqlState(thrown) !== uniqueViolation) throw thrown
      throw new AppError("STATE_FORBIDS", "another consumer has this OAuth client", {
        problems: [{ pointer: "/oauthClientId", message: "belongs to another consumer" }],
      })
    })
  }

  #change<Result>(
    { subject, ...change }: { by: string; action: string; subject: string; detail?: object },
    work: (transaction: SqlTransaction) => Promise<Result>,
  ): Promise<Result> {
    return audited(this.#sql, { ...change, subject: `consumer ${subject}` }, work)
  }

  /** A consumer, active or not; undefined when there is none. */
  async find(id: string): Promise<Consumer | undefined> {
    return (await this.list()).find((consumer) => consumer.id === id)
  }

  async list(): Promise<Consumer[]> {
    const rows = await storage(
      () => this.#sql<ConsumerRow[]>`
        select c.id, c.name, c.owner, c.scopes, c.channels, c.rate_per_second as "ratePerSecond", c.burst,
          c.api_version::text as "apiVersion", c.oauth_client_id as "oauthClientId", c.is_active as "isActive", p.roles,
          coalesce(p.stores, c.stores) as stores
        from consumers c left join people p on p.consumer_id = c.id order by c.id`,
    )
    return rows.map(({ roles, stores, ...row }) => ({
      ...row,
      channels: row.channels ?? undefined,
      oauthClientId: row.oauthClientId ?? undefined,
      ...(roles ? { roles, scopes: scopesOf(roles) } : {}),
      ...(stores ? { stores } : {}),
    }))
  }

  /** Deactivates or reactivates a consumer. Its keys stop working when the caches of the nodes expire. */
  async setActive(id: string, isActive: boolean, by = ownName): Promise<void> {
    await this.#change(
      { by, action: isActive ? "activate consumer" : "shut out consumer", subject: id },
      async (transaction) => {
        const rows = await transaction`
        update consumers set is_active = ${isActive}, updated_at = now() where id = ${id} returning id`
        if (rows.length === 0) throw new AppError("NOT_FOUND", `there is no consumer ${id}`)
      },
    )
  }

  /** Stores the key's hash and returns the key. Pass a `key` made by `newKey` when you must keep it before it becomes valid. */
  async addKey(
    consumerId: string,
    options: { expiresAt?: Instant; key?: string; by?: string } = {},
  ): Promise<{ key: string; id: string }> {
    const key = options.key ?? newKey()
    const id = key.slice(0, keyIdLength)
    const { by = ownName, expiresAt = null } = options
    await this.#change(
      { by, action: "add key", subject: consumerId, detail: { id, expiresAt } },
      async (transaction) => {
        // The lock makes each of two parallel rotations count the other's key.
        const consumers = await transaction`select id from consumers where id = ${consumerId} for update`
        if (consumers.length === 0) throw new AppError("NOT_FOUND", `there is no consumer ${consumerId}`)
        const live = await transaction`
          select id from api_keys where consumer_id = ${consumerId} and revoked_at is null
            and (expires_at is null or expires_at > now()) and not is_session`
        if (live.length >= liveKeysMax)
          throw new AppError("STATE_FORBIDS", `${consumerId} has ${live.length} live keys; revoke one first`)
        await transaction`
          insert into api_keys (id, consumer_id, hash, expires_at)
          values (${id}, ${consumerId}, ${Buffer.from(keyHash(key), "hex")}, ${expiresAt})`
      },
    )
    return { key, id }
  }

  /** Ends a key. Ending one that is ended already changes nothing. */
  async revokeKey(consumerId: string, keyId: string, by = ownName): Promise<void> {
    const change = { by, action: "revoke key", subject: consumerId, detail: { id: keyId } }
    await this.#change(change, async (transaction) => {
      const rows = await transaction`
        update api_keys set revoked_at = coalesce(revoked_at, now())
        where id = ${keyId} and consumer_id = ${consumerId} returning id`
      if (rows.length === 0) throw new AppError("NOT_FOUND", `${consumerId} has no key ${keyId}`)
    })
  }

  async listKeys(consumerId: string): Promise<ApiKey[]> {
    const rows = await storage(
      () => this.#sql<
        { id: string; consumerId: string; createdAt: Date; expiresAt: Date | null; lastUsedAt: Date | null }[]
      >`
        select id, consumer_id as "consumerId", created_at as "createdAt", expires_at as "expiresAt",
          last_used_at as "lastUsedAt"
        from api_keys where consumer_id = ${consumerId} and revoked_at is null and not is_session order by created_at`,
    )
    return rows.map((row) => ({
      id: row.id,
      consumerId: row.consumerId,
      createdAt: row.createdAt.toISOString(),
      expiresAt: row.expiresAt?.toISOString(),
      lastUsedAt: row.lastUsedAt?.toISOString(),
    }))
  }

  /** Every live key, for the cache in memory. */
  async liveKeys(): Promise<KeyRecord[]> {
    const rows = await storage(
      () => this.#sql<{ id: string; hash: Buffer; consumerId: string; expiresAt: Date | null }[]>`
        select id, hash, consumer_id as "consumerId", expires_at as "expiresAt" from api_keys
        where revoked_at is null and (expires_at is null or expires_at > now())`,
    )
    return rows.map((row) => ({
      id: row.id,
      hash: row.hash.toString("hex"),
      consumerId: row.consumerId,
      expiresAtMs: row.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
    }))
  }

  /** Writes when keys were last used; an older time never replaces a newer one. */
  async markUsed(uses: ReadonlyMap<string, Instant>): Promise<void> {
    if (uses.size === 0) return
    await storage(
      () => this.#sql`
        update api_keys set last_used_at = greatest(last_used_at, used.at::timestamptz)
        from unnest(${[...uses.keys()]}::text[], ${[...uses.values()]}::text[]) as used(id, at)
        where api_keys.id = used.id`,
    )
  }
}

type ConsumerRow = Omit<Consumer, "channels" | "oauthClientId" | "roles" | "stores"> & {
  stores: string[] | null
  channels: string[] | null
  roles: string[] | null
  oauthClientId: string | null
}
