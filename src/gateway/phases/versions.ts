import { AppError } from "../../base/errors.ts"
import { epochMs, type Instant } from "../../base/time.ts"
import type { Phase } from "./phase.ts"
import { own } from "../../base/lookup.ts"

/** Converts one route's request body from this version to the next one. */
export type Upgrade = (body: unknown) => unknown

/** One date version of the API. */
export interface ApiVersion {
  date: string
  /** Set once clients should move to a newer version; sent as `Deprecation` (RFC 9745). */
  deprecatedAt?: Instant
  /** Set once the end of the version is decided; sent as `Sunset` (RFC 8594). */
  sunsetAt?: Instant
  /** By route id: the upgrade to the next version. Routes that are not named did not change. */
  upgrades?: Readonly<Record<string, Upgrade>>
}

/** All versions, oldest first. Responses are the same in all of them; requests are upgraded step by step. */
export const apiVersions: readonly ApiVersion[] = [{ date: "2026-11-01" }]

/** The version new consumers are pinned to. */
export const newestVersion = "2026-11-01"

/** Finds versions and upgrades bodies from version to version. */
export class Versions {
  readonly #list: readonly ApiVersion[]
  readonly #byDate: ReadonlyMap<string, ApiVersion>

  constructor(list: readonly ApiVersion[] = apiVersions) {
    this.#list = list
    this.#byDate = new Map(list.map((version) => [version.date, version]))
  }

  /** Throws VERSION_UNKNOWN, with the known versions, when the version does not exist. */
  find(date: string): ApiVersion {
    const version = this.#byDate.get(date)
    if (version) return version
    const known = this.#list.map((one) => one.date).join(", ")
    throw new AppError("VERSION_UNKNOWN", `the version ${date.slice(0, 40)} does not exist; use one of ${known}`)
  }

  /** The body in the form of the newest version. Does nothing for the newest version. */
  upgrade(routeId: string, date: string, body: unknown): unknown {
    let upgraded = body
    for (let at = this.#list.indexOf(this.find(date)); at < this.#list.length - 1; at += 1)
      upgraded = own(this.#list[at]?.upgrades ?? {}, routeId)?.(upgraded) ?? upgraded
    return upgraded
  }
}

/** The consumer's pinned version, or the one the `Crossdock-Version` header names. */
export function negotiateVersion(versions: Versions): Phase {
  return {
    name: "negotiate version",
    beforeBody(exchange) {
      const { credentials, body } = exchange.route
      if (credentials === "signature" || (credentials === "none" && !body)) return
      const usual = credentials === "none" ? newestVersion : exchange.grant.consumer.apiVersion
      const version = versions.find(exchange.header("crossdock-version") ?? usual)
      exchange.version = version.date
      // RFC 9745: a structured-field date is @ and seconds; RFC 8594: an HTTP-date.
      if (version.deprecatedAt) exchange.deprecation = `@${Math.floor(epochMs(version.deprecatedAt) / 1000)}`
      if (version.sunsetAt) exchange.sunset = httpDate(version.sunsetAt)
    },
  }
}

// IMF-fixdate of RFC 9110, 5.6.7. Built from parts, because the weekday must be English whatever the machine's locale
// is.
function httpDate(at: Instant): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: "UTC",
    weekday: "short",
    day: "2-digit",
    month: "short",
    year: "numeric",
  }).formatToParts(epochMs(at))
  const part = (type: string) => (parts.find((one) => one.type === type)?.value ?? "").slice(0, type === "year" ? 4 : 3)
  return `${part("weekday")}, ${part("day")} ${part("month")} ${part("year")} ${at.slice(11, 19)} GMT`
}
