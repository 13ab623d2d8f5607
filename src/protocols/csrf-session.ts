import { AppError } from "../base/errors.ts"
import { headerText, type HttpAnswer } from "../base/http.ts"

/** A CSRF token and the cookies it is bound to: either is worthless without the other. */
export interface Session {
  readonly token: string
  readonly cookie: string
}

/**
 * Keeps the one session of a client.
 *
 * All callers that need a session share one fetch, and its token and cookies stay together. Two parallel fetches could
 * pair the token of one with the cookies of the other, and every write would be refused.
 */
export class SessionKeeper {
  #fetching: Promise<Session> | undefined
  #session: Session | undefined

  async current(fetch: () => Promise<HttpAnswer>): Promise<Session> {
    if (this.#session) return this.#session
    this.#fetching ??= this.#fetch(fetch)
    return this.#fetching
  }

  /** Forgets a refused session, unless a newer one has replaced it already. */
  drop(refused: Session): void {
    if (this.#session === refused) this.#session = undefined
  }

  async #fetch(fetch: () => Promise<HttpAnswer>): Promise<Session> {
    try {
      this.#session = readSession(await fetch())
      return this.#session
    } finally {
      this.#fetching = undefined
    }
  }
}

function readSession(answer: HttpAnswer): Session {
  const token = headerText(answer, "x-csrf-token")
  const cookies = answer.headers["set-cookie"] ?? []
  if (token === undefined)
    throw new AppError("VENDOR_UNAVAILABLE", "the system returned no CSRF token", { retryAfterMs: 1_000 })
  const cookie = (Array.isArray(cookies) ? cookies : [cookies]).map((line) => line.split(";", 1)[0]).join("; ")
  return { token, cookie }
}
