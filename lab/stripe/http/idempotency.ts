import { hash } from "node:crypto"
import type { KeptMap } from "../../keep/kept.ts"
import { errorBody, StripeError } from "./stripe-error.ts"

export type StoredAnswer = { status: number; body: string }

/** The action for a request with a key. */
export type IdempotencyStart = { kind: "run" } | { kind: "replay"; answer: StoredAnswer }

export type IdempotencyKeys = {
  /** Throws when the key belongs to other parameters or is in use this moment. */
  start(key: string, request: { path: string; form: string }): IdempotencyStart
  /** The endpoint has run: from now on its response is the response to this key. */
  store(key: string, answer: StoredAnswer): void
  /** Nothing was stored (refused, invalid or cut off before it ran): the key is free again. */
  finish(key: string): void
  clear(): void
  size(): number
}

export type Entry = { path: string; fingerprint: string; answer: StoredAnswer | undefined; isRunning: boolean }

/**
 * Keys after docs.stripe.com/api/idempotent_requests: the first response is stored with its status, 500s included, and
 * returned again. Other parameters under a known key are an error; a second call while the first runs is a conflict.
 * The real Stripe keeps keys for at least 24 hours; here the oldest are dropped when there are too many.
 */
export function createIdempotencyKeys(entries: KeptMap<string, Entry>, keysMax = 150_000): IdempotencyKeys {
  for (const [key, entry] of entries) {
    // The previous lab was killed while these ran.
    if (entry.answer === undefined) entries.delete(key)
    entry.isRunning = false
  }
  return {
    start: (key, request) => {
      if (key.length > 255)
        throw new StripeError(400, { message: "Idempotency-Key must be at most 255 characters long." }, true)
      const fingerprint = hash("sha1", request.form, "base64")
      const entry = entries.get(key)
      if (entry === undefined) {
        entries.set(key, { path: request.path, fingerprint, answer: undefined, isRunning: true })
        dropOldest(entries, keysMax)
        return { kind: "run" }
      }
      if (entry.path !== request.path || entry.fingerprint !== fingerprint)
        throw mismatch(key, entry.path !== request.path)
      if (entry.isRunning) throw inUse(key)
      if (entry.answer !== undefined) return { kind: "replay", answer: entry.answer }
      entry.isRunning = true
      return { kind: "run" }
    },
    store: (key, answer) => {
      const entry = entries.get(key)
      if (entry === undefined) return
      entry.answer = answer
      entries.changed(key)
    },
    finish: (key) => {
      const entry = entries.get(key)
      if (entry === undefined) return
      entry.isRunning = false
      if (entry.answer === undefined) entries.delete(key)
    },
    clear: () => entries.clear(),
    size: () => entries.size,
  }
}

function dropOldest(entries: Map<string, Entry>, keysMax: number): void {
  if (entries.size <= keysMax) return
  for (const [key, entry] of entries) {
    if (entry.isRunning) continue
    entries.delete(key)
    return
  }
}

// Wording seen in github.com/stripe/stripe-ruby/issues/503; status 400 and type idempotency_error: docs.stripe.com/api/errors.
function mismatch(key: string, isOtherPath: boolean): StripeError {
  const what = isOtherPath
    ? "for the same endpoint they were first used for"
    : "with the same parameters they were first used with"
  const message = `Keys for idempotent requests can only be used ${what}. Use another key than '${key}' for another request.`
  return new StripeError(400, { type: "idempotency_error", message }, true)
}

// 409 and idempotency_key_in_use: docs.stripe.com/error-codes.
function inUse(key: string): StripeError {
  const message = `There is currently another in-progress request using this Idempotent Key (${key}).`
  return new StripeError(409, { type: "idempotency_error", code: "idempotency_key_in_use", message }, true)
}

/** An error as it is stored and sent. */
export function errorAnswer(error: StripeError): StoredAnswer {
  return { status: error.status, body: JSON.stringify(errorBody(error.fields)) }
}
