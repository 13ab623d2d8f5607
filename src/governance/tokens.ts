import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from "jose"
import { AppError } from "../base/errors.ts"
import { createHttpClient } from "../base/http.ts"
import type { Clock } from "../base/time.ts"

/** The issuer of OAuth2 access tokens, and the claims they must have. */
export interface TokenIssuer {
  /** Must equal the token's `iss`. */
  issuer: string
  /** Must be in the token's `aud`. */
  audience: string
  /** Where the issuer publishes its keys (RFC 7517). */
  jwksUrl: string
  /** Set for an issuer in the private network. */
  allowPrivateNetwork?: boolean
}

/** The claims of a verified token that we use. */
export interface VerifiedToken {
  clientId: string
  scopes: readonly string[]
  expiresAtMs: number
}

// Asymmetric only: with a shared-secret algorithm in the list, a public key could be used as that secret (RFC 8725, 3.1).
const algorithms = ["RS256", "ES256"]
const clockToleranceSeconds = 5
// Keys are fetched again for an unknown key id, but not more often than this, so that forged key ids do not flood the
// issuer.
const refetchPauseMs = 30_000

/**
 * Verifies OAuth2 client-credentials tokens (RFC 9068) against the issuer's published keys.
 *
 * Throws AUTHENTICATION_FAILED for an invalid token, VENDOR_UNAVAILABLE when the keys cannot be read.
 */
export class TokenVerifier {
  readonly #issuer: TokenIssuer
  readonly #clock: Clock
  #keys: ReturnType<typeof createLocalJWKSet> | undefined
  #fetchedAtMs = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined

  constructor(issuer: TokenIssuer, clock: Clock) {
    this.#issuer = issuer
    this.#clock = clock
  }

  async verify(token: string): Promise<VerifiedToken> {
    if (!this.#keys) await this.#fetchKeys()
    try {
      return verified(await this.#check(token))
    } catch (thrown) {
      if (!(thrown instanceof errors.JWKSNoMatchingKey) || this.#clock.now() - this.#fetchedAtMs < refetchPauseMs)
        throw refused(thrown)
    }
    await this.#fetchKeys()
    try {
      return verified(await this.#check(token))
    } catch (thrown) {
      throw refused(thrown)
    }
  }

  async #check(token: string): Promise<JWTPayload> {
    if (!this.#keys) throw new AppError("VENDOR_UNAVAILABLE", "the token issuer's keys have not been read yet")
    const { payload } = await jwtVerify(token, this.#keys, {
      issuer: this.#issuer.issuer,
      audience: this.#issuer.audience,
      algorithms,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ["exp", "iss", "aud"],
    })
    return payload
  }

  #fetchKeys(): Promise<void> {
    this.#fetching ??= this.#readKeys().finally(() => (this.#fetching = undefined))
    return this.#fetching
  }

  async #readKeys(): Promise<void> {
    const { jwksUrl, allowPrivateNetwork = false } = this.#issuer
    const url = new URL(jwksUrl)
    const client = createHttpClient({ baseUrl: url.origin, timeoutMs: 3000, allowPrivateNetwork })
    try {
      const answer = await client.send({ method: "GET", path: `${url.pathname}${url.search}` })
      if (answer.status !== 200)
        throw new AppError("VENDOR_UNAVAILABLE", `the token issuer's key endpoint returned status ${answer.status}`)
      // jose validates the set and refuses a malformed one.
      this.#keys = createLocalJWKSet(JSON.parse(answer.text) as JSONWebKeySet)
      this.#fetchedAtMs = this.#clock.now()
    } finally {
      client.close()
    }
  }
}

function refused(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const reason = thrown instanceof errors.JOSEError ? thrown.message : "the token cannot be read"
  return new AppError("AUTHENTICATION_FAILED", `the access token was refused: ${reason}`, { cause: thrown })
}

// RFC 9068, 2.2: `client_id` names the client. Issuers without it put the client into `azp` or `sub`.
function verified(payload: JWTPayload): VerifiedToken {
  const clientId = [payload["client_id"], payload["azp"], payload.sub].find((claim) => typeof claim === "string")
  if (typeof clientId !== "string") throw new AppError("AUTHENTICATION_FAILED", "the access token has no client id")
  const claim = payload["scope"] ?? payload["scp"]
  const scopes = typeof claim === "string" ? claim.split(" ") : Array.isArray(claim) ? claim.map(String) : []
  return { clientId, scopes, expiresAtMs: (payload.exp ?? 0) * 1000 }
}
