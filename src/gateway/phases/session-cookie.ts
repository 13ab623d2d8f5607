import type { IncomingHttpHeaders } from "node:http"
import { AppError } from "../../base/errors.ts"

const cookieName = "crossdock_session"
/** Sent by the console with every change. A page of another site cannot send it without asking first (Fetch standard, CORS). */
const consoleHeader = "crossdock-console"

interface Asking {
  method: string
  headers: IncomingHttpHeaders
}

/**
 * The `Authorization` of a request: its header, or what the cookie of a console's session stands for. A browser sends the cookie by
 * itself, so a change with it must show that the console's own page sent it. Throws PERMISSION_MISSING when it does not.
 */
export function credentialOf({ method, headers }: Asking): string | undefined {
  if (headers.authorization !== undefined) return headers.authorization
  const key = sessionKey(headers.cookie)
  if (key === undefined) return undefined
  if (method !== "GET") assertFromConsole(headers)
  return `Bearer ${key}`
}

/** PERMISSION_MISSING unless the console's own page sent the request. */
export function assertFromConsole(headers: IncomingHttpHeaders): void {
  const { origin, host } = headers
  const isOwnOrigin = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
  if (headers[consoleHeader] === undefined || !isOwnOrigin)
    throw new AppError(
      "PERMISSION_MISSING",
      `a session's cookie changes something only from the console's own pages, which send the header ${consoleHeader}`,
    )
}

/** The session's key in a `Cookie` header. */
function sessionKey(cookies: string | undefined): string | undefined {
  const found = cookies?.split(";").find((one) => one.trim().startsWith(`${cookieName}=`))
  return found?.trim().slice(cookieName.length + 1) || undefined
}

/** `Set-Cookie` of a session; without a key one that ends it. Plain HTTP is for this machine alone, so elsewhere it is `Secure`. */
export function sessionCookie(headers: IncomingHttpHeaders, session?: { key: string; lastsSeconds: number }): string {
  const secure = isThisMachine(headers.host) ? "" : "; Secure"
  return `${cookieName}=${session?.key ?? ""}; Path=/; Max-Age=${session?.lastsSeconds ?? 0}; HttpOnly; SameSite=Strict${secure}`
}

function isThisMachine(host = ""): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host)
}
