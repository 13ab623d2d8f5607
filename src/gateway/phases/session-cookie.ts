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

function sessionKey(cookies: string | undefined): string | undefined {
  return valueOf(cookies, cookieName)
}

/** The value of one cookie in a `Cookie` header. */
function valueOf(cookies: string | undefined, name: string): string | undefined {
  const found = cookies?.split(";").find((one) => one.trim().startsWith(`${name}=`))
  return found?.trim().slice(name.length + 1) || undefined
}

/** `Set-Cookie` of a session; without a key one that ends it. Plain HTTP is for this machine alone, so elsewhere it is `Secure`. */
export function sessionCookie(headers: IncomingHttpHeaders, session?: { key: string; lastsSeconds: number }): string {
  const secure = isThisMachine(headers.host) ? "" : "; Secure"
  return `${cookieName}=${session?.key ?? ""}; Path=/; Max-Age=${session?.lastsSeconds ?? 0}; HttpOnly; SameSite=Strict${secure}`
}

const leavingName = "crossdock_leaving"
const leavingSeconds = 600

/**
 * `Set-Cookie` of what the browser keeps while it is at the identity provider; without it one that ends it. The provider's page sends the
 * browser back, which `SameSite=Strict` would not survive.
 */
export function leavingCookie(headers: IncomingHttpHeaders, leaving?: object): string {
  const secure = isThisMachine(headers.host) ? "" : "; Secure"
  const value = leaving ? Buffer.from(JSON.stringify(leaving)).toString("base64url") : ""
  const age = leaving ? leavingSeconds : 0
  return `${leavingName}=${value}; Path=/v1/session/provider; Max-Age=${age}; HttpOnly; SameSite=Lax${secure}`
}

/** What the browser kept under these names; undefined unless all of it is there. */
export function leavingOf<Name extends string>(
  headers: IncomingHttpHeaders,
  names: readonly Name[],
): Record<Name, string> | undefined {
  try {
    const text = Buffer.from(valueOf(headers.cookie, leavingName) ?? "", "base64url").toString()
    const kept = JSON.parse(text) as Record<string, unknown> | null
    const values = names.map((name) => [name, kept?.[name]] as const)
    return values.every(([, value]) => typeof value === "string")
      ? (Object.fromEntries(values) as Record<Name, string>)
      : undefined
  } catch {
    return undefined
  }
}

function isThisMachine(host = ""): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host)
}
