import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity } from "../../../canonical/parts.ts"
import { canDo } from "../../../governance/people/roles.ts"
import type { People, Session } from "../../../governance/people/people.ts"
import type { SignInLimits } from "../../../governance/people/sign-in-limits.ts"
import type { GatewayCore } from "../../core.ts"
import type { Exchange } from "../../exchange.ts"
import { assertFromConsole, sessionCookie } from "../../phases/session-cookie.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject } from "../../requests/page-query.ts"
import { PersonName } from "./people.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "high",
  serviceLevel: { p99Ms: 1000, availabilityPercent: 99.9 },
} as const

const Password = Type.String({ minLength: 12, maxLength: 200, description: "at least twelve characters" })

const SignIn = entity("Sign in", {
  token: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: "of a link, which works once" })),
  name: Type.Optional(PersonName),
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
})

const Me = Type.Object(
  {
    name: Type.String(),
    roles: Type.Array(Type.String()),
    scopes: Type.Array(Type.String()),
    channels: Type.Union([Type.Null(), Type.Array(Type.String())]),
    stores: Type.Union([Type.Null(), Type.Array(Type.String())], {
      description: "places whose stock they count and whose work they see",
    }),
    can: Type.Array(
      Type.Object({ act: Type.String(), allowed: Type.Boolean(), reason: Type.Optional(Type.String()) }),
      { description: "what people do in the console, and why not" },
    ),
  },
  { additionalProperties: true },
)

interface SignsIn {
  /** Of the stores, for times that people read; the first location's. */
  storeTimeZone?: string | undefined
  people: People
  limits: SignInLimits
  core: GatewayCore
}

/** Signing in to the console, and who is signed in. */
export function sessionRoutes({ people, limits, core, storeTimeZone }: SignsIn): Route[] {
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/session",
      credentials: "none",
      summary:
        "Sign a person in, by a link or by name and password. The response sets the session's cookie; programs use keys instead.",
      // Each sign-in opens a session. A link works once.
      repeats: "natural key",
      bodySchema: SignIn,
      responses: { 200: { description: "Signed in until then", schema: AnyObject } },
      handle: async (exchange) => {
        const { headers } = exchange.request
        assertFromConsole(headers)
        const session = await signIn({ people, limits }, exchange.body)
        await core.access.refresh()
        const body = { name: session.person, expiresAt: session.expiresAt }
        return { status: 200, body, headers: { "set-cookie": sessionCookie(headers, session) } }
      },
    }),
    route({
      ...governed,
      method: "DELETE",
      path: "/v1/session",
      credentials: "consumer",
      scope: "me:write",
      reach: "own",
      summary: "Sign out: the session ends.",
      repeats: "natural key",
      responses: { 200: { description: "Signed out", schema: AnyObject } },
      handle: async (exchange) => {
        const { keyId, consumer } = personOf(exchange)
        await people.signOut(keyId, consumer.id)
        await core.access.refresh()
        const headers = { "set-cookie": sessionCookie(exchange.request.headers) }
        return { status: 200, body: { isSignedOut: true }, headers }
      },
    }),
    ...ownRoutes({ people, core, storeTimeZone }),
  ]
}

function ownRoutes({ people, core, storeTimeZone }: Omit<SignsIn, "limits">): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/me",
      credentials: "consumer",
      scope: "me:read",
      reach: "own",
      summary: "Who the caller is: roles, scopes, channels, and what a person may do, or why not.",
      repeats: "safe",
      responses: { 200: { description: "The caller", schema: Me } },
      handle: ({ grant: { consumer, scopes } }) => ({
        status: 200,
        body: {
          id: consumer.id,
          name: consumer.name,
          roles: consumer.roles ?? [],
          scopes: [...scopes],
          channels: consumer.channels ?? null,
          stores: consumer.stores ?? null,
          ...(storeTimeZone === undefined ? {} : { storeTimeZone }),
          can: canDo(scopes),
        },
      }),
    }),
    route({
      ...governed,
      method: "PUT",
      path: "/v1/me/password",
      credentials: "consumer",
      scope: "me:write",
      reach: "own",
      summary: "Choose a password. The person's other sessions end.",
      repeats: "natural key",
      bodySchema: entity("Own password", { password: Password }),
      responses: { 200: { description: "Set", schema: AnyObject } },
      handle: async (exchange) => {
        const { keyId, consumer } = personOf(exchange)
        await people.setPassword(consumer.id, exchange.body.password, keyId)
        await core.access.refresh()
        return { status: 200, body: { isSet: true } }
      },
    }),
  ]
}

function signIn(
  { people, limits }: Pick<SignsIn, "people" | "limits">,
  { token, name, password }: { token?: string; name?: string; password?: string },
): Promise<Session> {
  if (token !== undefined) return people.signInByLink(token)
  if (name !== undefined && password !== undefined)
    return limits.check(name, () => people.signInByPassword(name, password))
  throw new AppError("REQUEST_INVALID", "nothing to sign in with", {
    problems: [{ pointer: "", message: "expected `token`, or `name` and `password`" }],
  })
}

/** The person whose session calls. STATE_FORBIDS for programs, which have keys and no sessions. */
function personOf({ grant: { consumer, keyId } }: Exchange) {
  if (!consumer.roles || keyId === undefined)
    throw new AppError("STATE_FORBIDS", `${consumer.id} is a program: it has keys, and neither sessions nor a password`)
  return { consumer, keyId }
}
