import { Type, type Static, type TSchema } from "typebox"
import { minorDigitsByCurrency } from "../base/money/currencies.ts"
import { isTimeZone } from "../base/time.ts"
import { entity, LocationId } from "../canonical/parts.ts"
import type { IdentityProvider } from "../governance/people/identity-provider.ts"
import type { Ownership } from "../governance/ownership/own.ts"
import type { RetentionPolicy } from "../governance/retention.ts"
import type { TokenIssuer } from "../governance/tokens.ts"
import type { CapabilityName } from "../ports/capabilities.ts"
import type { Connected, Connector, RateModel } from "../ports/connector.ts"
import type { RouteScope } from "../ports/route-scope.ts"
import type { WhoCaptures } from "../ports/who-captures.ts"

/** A configured connection: which connector, with which settings. */
export interface EstateConnection {
  connector: Connector<TSchema, Connected>
  settings: unknown
  /** How often the change lists are read for what webhooks missed: all lists alike, or by name of the list; absent = never. */
  pollEveryMs?: number | Readonly<Record<string, number>>
  /** Where the vendor delivers this connection's webhooks; given, Crossdock makes the subscriptions there and keeps them alive. */
  webhookAddress?: string
  /** How long this sender repeats a delivery that got no answer; signed requests older than that are replays. */
  retryHorizonMs?: number
  /** Who captures the payments of its orders; every connection that sells has to say so. */
  captures?: WhoCaptures
  /** Ids of the locations whose stock and goods it may speak of. Default: those whose goods routes have it ship. */
  places?: readonly string[]
  /** Overrides the connector's rate model, e.g. for a bigger plan. */
  rate?: Partial<RateModel>
}

/** Sends capabilities to a connection, everywhere or only where the scope fits. The first primary route that fits is taken. */
export interface Route extends RouteScope {
  capability: CapabilityName | readonly CapabilityName[]
  connection: string
  /**
   * A primary route (the default) does the work. A shadow never does: `findRoutes` returns it beside the primary one, for
   * a comparison of two systems.
   */
  role?: "primary" | "shadow"
  /**
   * Percent of the objects, 1 to 100; default all. Shares of primary routes that fit stand beside each other in the order of the
   * list; the route after them takes the rest. One object always falls into the same share, for every capability.
   */
  share?: number
}

/** A place of the retailer: a warehouse or a store. Goods ship from those with a `shipping` block. */
export const EstateLocation = entity("Location", {
  id: LocationId,
  kind: Type.Enum(["warehouse", "store"], { description: "what it is" }),
  timeZone: Type.Refine(
    Type.String({ description: "IANA time zone, e.g. Europe/Amsterdam" }),
    isTimeZone,
    () => "is no time zone this machine knows",
  ),
  dayEndsAt: Type.String({
    pattern: "^([01]\\d|2[0-3]):[0-5]\\d$",
    description:
      "Local time HH:MM at which a business day ends: 00:00 is midnight; with 04:00 a sale at three in the morning belongs to the day before.",
  }),
  currency: Type.Enum(Object.keys(minorDigitsByCurrency), { description: "ISO 4217 code of its prices and its books" }),
  region: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: "what figures add places up by, e.g. a country or a district",
    }),
  ),
  shipping: Type.Optional(
    entity("Shipping", {
      latitude: Type.Number({ minimum: -90, maximum: 90 }),
      longitude: Type.Number({ minimum: -180, maximum: 180 }),
      costPerShipmentMinor: Type.Number({ minimum: 0, description: "what one parcel costs, in minor units" }),
      serviceDays: Type.Number({ minimum: 0, description: "working days from release to the door" }),
      capacityPerDay: Type.Integer({ minimum: 0, description: "parcels it can take a day" }),
    }),
  ),
})
export type EstateLocation = Static<typeof EstateLocation>

/** An estate without what its areas' policies say. */
export interface EstateFrame {
  name: string
  connections: Readonly<Record<string, EstateConnection>>
  routes: readonly Route[]
  locations: readonly EstateLocation[]
  /** How long things are kept; what is left out has a default (docs/guides/how-long-things-are-kept.md). */
  retention?: RetentionPolicy
  /** Who owns which field of products, prices, promotions and stock: `own(field, scope, rule)`. Without it nobody writes them here. */
  ownership?: readonly Ownership[]
  /** Who issues access tokens to consumers (OAuth 2.0 client credentials); absent = API keys only. */
  tokenIssuer?: TokenIssuer
  /** Where people sign in with the company's own account (OpenID Connect); absent = links and passwords of Crossdock only. */
  identityProvider?: IdentityProvider
}

/** What Crossdock does itself, and the connections under which it stands among the others; every estate has them. */
export const ownConnections = { reservesStock: "crossdock-stock", claimsRefunds: "crossdock-accounts" } as const

/** Whether Crossdock does it itself; no route leads to it. */
export function isOwn(capability: CapabilityName): capability is keyof typeof ownConnections {
  return Object.hasOwn(ownConnections, capability)
}
