import { Type } from "typebox"
import { asAppError, AppError } from "../../../base/errors.ts"
import {
  accessOf,
  comesBackTo,
  ProviderSignIn,
  type IdentityProvider,
} from "../../../governance/people/identity-provider.ts"
import type { People } from "../../../governance/people/people.ts"
import type { GatewayCore } from "../../core.ts"
import { leavingCookie, leavingOf } from "../../phases/session-cookie.ts"
import { newestVersion } from "../../phases/versions.ts"
import { AnyObject } from "../../requests/page-query.ts"
import { route, type Answer, type Route } from "../../route.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "high",
  serviceLevel: { p99Ms: 3000, availabilityPercent: 99.9 },
  credentials: "none",
  // The provider is asked up to three times, five seconds each; then the page says that it does not answer.
  timeLimitMs: 20_000,
} as const

/** The link that the way back ends in is used at once. */
const linkMs = 60_000
const signInPage = "/console/sign-in"

interface AtProvider {
  people: People
  core: Pick<GatewayCore, "log" | "access">
  provider?: IdentityProvider | undefined
}

/**
 * Signing in at the company's identity provider. The way back ends in a one-time link of the console, so that a session is opened in
 * one way only, by a page of ours.
 */
export function identityProviderRoutes({ people, core, provider }: AtProvider): Route[] {
  const signIn = provider && new ProviderSignIn(provider)
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/session/ways",
      summary: "How people sign in: by name and password, and at the company's identity provider where there is one.",
      repeats: "safe",
      responses: { 200: { description: "The ways", schema: AnyObject } },
      handle: () => ({
        status: 200,
        body: {
          password: true,
          ...(signIn ? { provider: { title: signIn.title, address: "/v1/session/provider" } } : {}),
        },
      }),
    }),
    ...(provider && signIn ? wayThere({ people, core, provider, signIn }) : []),
  ]
}

function wayThere({
  people,
  core,
  provider,
  signIn,
}: Required<AtProvider> & { provider: IdentityProvider; signIn: ProviderSignIn }) {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/session/provider",
      summary: "Send the browser to the identity provider to sign in.",
      repeats: "safe",
      querySchema: Type.Object({ next: Type.Optional(Type.String({ maxLength: 500 })) }),
      responses: { 303: { description: "The way to the provider, or back to the sign-in page with what went wrong" } },
      handle: async ({ query: { next }, request: { headers } }) => {
        try {
          const { address, leaving } = await signIn.leave()
          return sentTo(address, leavingCookie(headers, { ...leaving, next: next ?? "" }))
        } catch (thrown) {
          return failed(core, thrown)
        }
      },
    }),
    route({
      ...governed,
      method: "GET",
      path: comesBackTo,
      summary: "Where the identity provider sends the browser back.",
      // The code works once, and only with what the browser kept.
      repeats: "natural key",
      querySchema: Type.Object({}, { additionalProperties: Type.String({ maxLength: 4000 }) }),
      responses: { 303: { description: "The console, which signs in, or says what went wrong" } },
      handle: async ({ request: { headers, url } }) => {
        try {
          const kept = leavingOf(headers, ["state", "nonce", "verifier", "next"])
          if (!kept)
            throw new AppError("AUTHENTICATION_FAILED", "the browser kept nothing of the way there, or for too long")
          const { groups, ...identity } = await signIn.comeBack(url.slice(url.indexOf("?")), kept)
          const access = accessOf(provider, groups)
          if (!access) throw new AppError("PERMISSION_MISSING", "none of the person's groups has access here")
          const name = await people.admit({ ...identity, ...access, apiVersion: newestVersion })
          const { token } = await people.makeLink(name, "identity provider", linkMs)
          await core.access.refresh()
          const next = kept.next === "" ? "" : `?${new URLSearchParams({ next: kept.next }).toString()}`
          return sentTo(`${signInPage}${next}#token=${token}`, leavingCookie(headers))
        } catch (thrown) {
          return failed(core, thrown)
        }
      },
    }),
  ]
}

/** What went wrong is told by its code alone: whatever stands in an address could come from anybody. */
function failed({ log }: Pick<GatewayCore, "log">, thrown: unknown): Answer {
  const { code, message } = asAppError(thrown)
  log.warn({ code, reason: message }, "somebody could not sign in at the identity provider")
  return sentTo(`${signInPage}#failed=${code}`)
}

function sentTo(location: string, cookie?: string): Answer {
  return { status: 303, headers: { location, ...(cookie === undefined ? {} : { "set-cookie": cookie }) } }
}
