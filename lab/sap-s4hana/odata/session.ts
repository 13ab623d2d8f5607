import type { FastifyReply, FastifyRequest } from "fastify"
import type { Random } from "../../random.ts"

export type SessionOptions = { user: string; password: string; csrfTtlMs: number; random: Random }

export type Sessions = {
  /** True when the request may continue; otherwise the response has been sent. */
  admit(request: FastifyRequest, reply: FastifyReply): boolean
  isAuthenticated(request: FastifyRequest, reply: FastifyReply): boolean
  /** Ends every session: all issued tokens become invalid, as after a restart of the server. */
  expireAll(): void
}

const cookieName = "SAP_SESSIONID_LAB_100"
const sessionsMax = 10_000

/**
 * Basic authentication, and SAP Gateway's guard against forged requests: a write needs the token of a session and
 * that session's cookie. Names of cookies and the
 * texts of refusals are general knowledge, not verified.
 */
export function createSessions(options: SessionOptions): Sessions {
  const tokens = new Map<string, { token: string; expiresAtMs: number }>()
  const expected = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString("base64")}`

  const isAuthenticated = (request: FastifyRequest, reply: FastifyReply): boolean => {
    if (request.headers.authorization === expected) return true
    void reply
      .code(401)
      .header("www-authenticate", 'Basic realm="SAP NetWeaver Application Server [LAB/100]"')
      .type("text/html")
      .send("<html><body>Logon failed</body></html>")
    return false
  }
  const handOut = (request: FastifyRequest, reply: FastifyReply): void => {
    const id = sessionId(request) ?? text(options.random, 6)
    const token = `${text(options.random, 3)}==`
    if (tokens.size >= sessionsMax) tokens.clear()
    tokens.set(id, { token, expiresAtMs: Date.now() + options.csrfTtlMs })
    reply.header("x-csrf-token", token)
    reply.header("set-cookie", [`${cookieName}=${id}; path=/; HttpOnly`, "sap-usercontext=sap-client=100; path=/"])
  }
  const hasToken = (request: FastifyRequest): boolean => {
    const session = tokens.get(sessionId(request) ?? "")
    return (
      session !== undefined && session.expiresAtMs > Date.now() && session.token === request.headers["x-csrf-token"]
    )
  }

  return {
    isAuthenticated,
    expireAll: () => tokens.clear(),
    admit: (request, reply) => {
      if (!isAuthenticated(request, reply)) return false
      if (request.method === "GET" || request.method === "HEAD") {
        if (String(request.headers["x-csrf-token"]).toLowerCase() === "fetch") handOut(request, reply)
        return true
      }
      if (hasToken(request)) return true
      void reply.code(403).header("x-csrf-token", "Required").type("text/plain").send("CSRF token validation failed")
      return false
    },
  }
}

function sessionId(request: FastifyRequest): string | undefined {
  return new RegExp(`${cookieName}=([^;]+)`).exec(request.headers.cookie ?? "")?.[1]
}

function text(random: Random, words: number): string {
  return Array.from({ length: words }, () => random.bits().toString(36)).join("")
}
