import { AppError } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import type { Consumer } from "../../governance/consumers.ts"
import type { Exchange } from "../exchange.ts"
import type { Phase } from "./phase.ts"

interface Bucket {
  consumer: Consumer
  tokens: number
  filledAtMs: number
  perMs: number
  size: number
  policy: string
}

/**
 * Token buckets, one per consumer, in this process's memory.
 *
 * Nodes do not exchange rates: each of N nodes (a setting) grants an Nth. A consumer whose calls all reach one node
 * therefore gets an Nth of its rate, and a restart fills every bucket. Hard limits are enforced by storage; this one
 * keeps a single consumer from using up the capacity of the others.
 */
export class RateLimits {
  readonly #clock: Clock
  readonly #nodeCount: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: Clock, nodeCount: number) {
    this.#clock = clock
    this.#nodeCount = nodeCount
  }

  /** The consumer's bucket, refilled up to now. */
  bucket(consumer: Consumer): Bucket {
    const now = this.#clock.now()
    let bucket = this.#buckets.get(consumer.id)
    if (!bucket || bucket.consumer !== consumer) {
      bucket = this.#open(consumer, bucket, now)
      this.#buckets.set(consumer.id, bucket)
    }
    const elapsedMs = now - bucket.filledAtMs
    if (elapsedMs > 0) {
      bucket.tokens = Math.min(bucket.size, bucket.tokens + elapsedMs * bucket.perMs)
      bucket.filledAtMs = now
    }
    return bucket
  }

  #open(consumer: Consumer, previous: Bucket | undefined, now: number): Bucket {
    const perSecond = consumer.ratePerSecond / this.#nodeCount
    const size = Math.max(1, consumer.burst / this.#nodeCount)
    return {
      consumer,
      // A changed limit keeps the used tokens, so that editing it is not a free refill.
      tokens: previous ? Math.min(previous.tokens, size) : size,
      filledAtMs: previous?.filledAtMs ?? now,
      perMs: perSecond / 1000,
      size,
      policy: `"default";q=${Math.floor(size)};w=${Math.max(1, Math.ceil(size / perSecond))}`,
    }
  }
}

// Headers of draft-ietf-httpapi-ratelimit-headers-11 (a draft: r = requests left, t = seconds until the quota is full).
function describe(exchange: Exchange, bucket: Bucket): void {
  const left = Math.max(0, Math.floor(bucket.tokens))
  const wholeInSeconds = Math.ceil((bucket.size - bucket.tokens) / bucket.perMs / 1000)
  exchange.rateLimit = `"default";r=${left};t=${wholeInSeconds}`
  exchange.rateLimitPolicy = bucket.policy
}

/** Takes one token per request before its body is read; a batch pays the rest once its size is known. */
export function throttle(dependencies: { clock: Clock; settings: { nodeCount: number } }): Phase {
  const limits = new RateLimits(dependencies.clock, dependencies.settings.nodeCount)
  return {
    name: "throttle",
    beforeBody(exchange) {
      if (exchange.route.credentials !== "consumer") return
      const bucket = limits.bucket(exchange.grant.consumer)
      if (bucket.tokens < 1) {
        describe(exchange, bucket)
        throw new AppError(
          "RATE_LIMITED",
          `${bucket.consumer.id} may send ${bucket.consumer.ratePerSecond} requests a second`,
          {
            retryAfterMs: (1 - bucket.tokens) / bucket.perMs,
          },
        )
      }
      bucket.tokens -= 1
      describe(exchange, bucket)
    },
    afterAnswer(exchange) {
      const cost = exchange.route.cost?.(exchange.body) ?? 1
      if (cost <= 1) return
      // The batch was already admitted, so this may go below zero; the debt delays the next request.
      const bucket = limits.bucket(exchange.grant.consumer)
      bucket.tokens -= cost - 1
      describe(exchange, bucket)
    },
  }
}
