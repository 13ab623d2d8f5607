import { AppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { instant, type Clock, type Instant } from "../base/time.ts"
import { keyHash, type Consumer, type Consumers, type KeyRecord } from "./consumers.ts"
import { hasScope } from "./scopes.ts"
import type { TokenVerifier } from "./tokens.ts"

/** The rights of an authenticated caller. One object per credential, kept while it is cached. */
export interface Grant {
  consumer: Consumer
  scopes: ReadonlySet<string>
  /** Public part of the key, for the audit; undefined for a token. */
  keyId: string | undefined
}

interface CachedGrant {
  grant: Grant
  expiresAtMs: number
  usedAtMs: number
}

interface Snapshot {
  consumers: ReadonlyMap<string, Consumer>
  consumersByClient: ReadonlyMap<string, Consumer>
  keysByHash: ReadonlyMap<string, KeyRecord>
  loadedAtMs: number
}

interface AccessOptions {
  consumers: Consumers
  clock: Clock
  log: Log
  tokens?: TokenVerifier
}

// A revoked key works at most this long on other nodes, and no longer on the node that revoked it.
const freshForMs = 5_000
// While storage is unavailable, cached keys stay valid this long. Then every caller is refused.
const staleForMs = 60_000
// An unknown key may be seconds old, so read the keys again; but not for every guessed key.
const lookAgainPauseMs = 500
const usesWrittenEveryMs = 60_000
const cachedGrantsMax = 20_000

/**
 * Authenticates callers from memory.
 *
 * One snapshot holds all consumers and live keys and is read again every five seconds, so a request costs one map
 * look-up and a guessed key costs no query. `authenticate` returns at once for a credential it has seen before,
 * otherwise a promise. Throws AUTHENTICATION_FAILED, or STORAGE_UNAVAILABLE when the snapshot is too old.
 */
export class Access {
  readonly #options: AccessOptions
  #snapshot: Snapshot | undefined
  #loading: Promise<Snapshot> | undefined
  #grants = new Map<string, CachedGrant>()
  #uses = new Map<string, Instant>()
  #usesWrittenAtMs = Number.NEGATIVE_INFINITY

  constructor(options: AccessOptions) {
    this.#options = options
  }

  authenticate(authorization: string | undefined): Grant | Promise<Grant> {
    const now = this.#options.clock.now()
    const cached = authorization === undefined ? undefined : this.#grants.get(authorization)
    if (cached && cached.expiresAtMs > now && this.#snapshot && now - this.#snapshot.loadedAtMs < freshForMs) {
      if (now - cached.usedAtMs > usesWrittenEveryMs) this.#markUsed(cached, now)
      return cached.grant
    }
    return this.#authenticateSlowly(authorization, now)
  }

  /** Discards the cache. Call it after consumers or keys were changed. */
  async refresh(): Promise<void> {
    await this.#loading?.catch(() => undefined)
    await this.#load()
  }

  /** Writes the pending last-used times. */
  async close(): Promise<void> {
    await this.#writeUses()
  }

  async #authenticateSlowly(authorization: string | undefined, now: number): Promise<Grant> {
    const credential = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization ?? "")?.[1]
    if (authorization === undefined || credential === undefined)
      throw new AppError(
        "AUTHENTICATION_FAILED",
        "the request has no `Authorization: Bearer` header; send one with an API key or token",
      )
    const snapshot = await this.#freshSnapshot(now)
    const known = this.#grants.get(authorization)
    if (known && known.expiresAtMs > now) return known.grant
    const cached = credential.startsWith("cdk_")
      ? await this.#grantByKey(credential, snapshot, now)
      : await this.#grantByToken(credential, snapshot, now)
    if (this.#grants.size >= cachedGrantsMax) this.#grants.clear()
    this.#grants.set(authorization, cached)
    this.#markUsed(cached, now)
    return cached.grant
  }

  async #grantByKey(key: string, known: Snapshot, now: number): Promise<CachedGrant> {
    const hash = keyHash(key)
    let snapshot = known
    if (!snapshot.keysByHash.has(hash) && now - snapshot.loadedAtMs > lookAgainPauseMs) snapshot = await this.#load()
    const record = snapshot.keysByHash.get(hash)
    if (!record || record.expiresAtMs <= now) throw new AppError("AUTHENTICATION_FAILED", "this API key is not valid")
    const consumer = activeConsumer(snapshot.consumers.get(record.consumerId))
    const grant = { consumer, scopes: new Set(consumer.scopes), keyId: record.id }
    return { grant, expiresAtMs: record.expiresAtMs, usedAtMs: 0 }
  }

  async #grantByToken(token: string, snapshot: Snapshot, now: number): Promise<CachedGrant> {
    const { tokens } = this.#options
    if (!tokens) throw new AppError("AUTHENTICATION_FAILED", "no token issuer is configured; use an API key")
    const said = await tokens.verify(token)
    const consumer = activeConsumer(snapshot.consumersByClient.get(said.clientId))
    // A token can only narrow the scopes that the consumer was granted here.
    const scopes = new Set(said.scopes.filter((scope) => hasScope(new Set(consumer.scopes), scope)))
    return { grant: { consumer, scopes, keyId: undefined }, expiresAtMs: said.expiresAtMs, usedAtMs: now }
  }

  async #freshSnapshot(now: number): Promise<Snapshot> {
    const snapshot = this.#snapshot
    if (snapshot && now - snapshot.loadedAtMs < freshForMs) return snapshot
    try {
      return await this.#load()
    } catch (thrown) {
      if (snapshot && now - snapshot.loadedAtMs < staleForMs) return snapshot
      throw thrown
    }
  }

  #load(): Promise<Snapshot> {
    this.#loading ??= this.#read().finally(() => (this.#loading = undefined))
    return this.#loading
  }

  async #read(): Promise<Snapshot> {
    const { consumers, clock } = this.#options
    const startedAtMs = clock.now()
    const [all, keys] = await Promise.all([consumers.list(), consumers.liveKeys()])
    const previous = this.#snapshot
    this.#snapshot = {
      consumers: new Map(all.map((consumer) => [consumer.id, consumer])),
      consumersByClient: new Map(
        all.flatMap((consumer) => (consumer.oauthClientId === undefined ? [] : [[consumer.oauthClientId, consumer]])),
      ),
      keysByHash: new Map(keys.map((key) => [key.hash, key])),
      loadedAtMs: startedAtMs,
    }
    // A grant is kept when the new snapshot has the same data, so that a busy caller's key is not hashed again every
    // five seconds.
    if (!previous || !sameSnapshot(previous, this.#snapshot)) this.#grants.clear()
    if (startedAtMs - this.#usesWrittenAtMs > usesWrittenEveryMs) void this.#writeUses()
    return this.#snapshot
  }

  #markUsed(cached: CachedGrant, now: number): void {
    cached.usedAtMs = now
    if (cached.grant.keyId !== undefined) this.#uses.set(cached.grant.keyId, instant(now))
  }

  async #writeUses(): Promise<void> {
    const uses = this.#uses
    this.#uses = new Map()
    this.#usesWrittenAtMs = this.#options.clock.now()
    try {
      await this.#options.consumers.markUsed(uses)
    } catch (thrown) {
      // This only helps people to retire keys, so it must not fail a request.
      this.#options.log.warn({ err: thrown }, "the last-used times of API keys could not be written")
    }
  }
}

function activeConsumer(consumer: Consumer | undefined): Consumer {
  if (!consumer?.isActive)
    throw new AppError("AUTHENTICATION_FAILED", "the caller is not a registered, active consumer")
  return consumer
}

function sameSnapshot(left: Snapshot, right: Snapshot): boolean {
  const text = (snapshot: Snapshot) =>
    JSON.stringify([[...snapshot.consumers.values()], [...snapshot.keysByHash.keys()].sort()])
  return text(left) === text(right)
}
