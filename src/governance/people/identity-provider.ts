import type * as Oidc from "openid-client"
import type { Configuration, CustomFetch, IDToken } from "openid-client"
import { AppError, describeError, type Problem } from "../../base/errors.ts"
import { createHttpClient, type HttpCall } from "../../base/http.ts"
import { isRole, roles as allRoles } from "./roles.ts"

/** What people of a group of the provider may do here. */
export interface GroupAccess {
  roles: readonly string[]
  /** Channels and stores they are limited to; absent = all. */
  channels?: readonly string[]
  stores?: readonly string[]
}

/** Where people sign in with the company's own account (OpenID Connect, authorization code with PKCE). */
export interface IdentityProvider {
  /** The provider's issuer, e.g. `https://login.microsoftonline.com/{tenant}/v2.0`. */
  issuer: string
  clientId: string
  clientSecret: string
  /** Where browsers reach this gateway, e.g. `https://crossdock.example.com`; the provider sends them back there. */
  publicAddress: string
  /** What the console's button says. Default: the issuer's host. */
  title?: string
  /** Claim with the person's groups. Default `groups`. */
  groupsClaim?: string
  /** Access by group; people of none of these are turned away. */
  groups: Readonly<Record<string, GroupAccess>>
  /** Scopes that are asked for. Default `openid profile email`. */
  scopes?: string
  /** Set for a provider in the private network. Only one on this machine may speak plain HTTP. */
  allowPrivateNetwork?: boolean
}

/** Somebody whom the provider knows. */
export interface Identity {
  /** The provider's issuer and its lasting id of the person; names change and are given to others. */
  subject: string
  /** What people call them, for a name here. */
  name: string
  fullName: string
  groups: readonly string[]
}

/** What the browser keeps between leaving for the provider and coming back. */
export interface Leaving {
  state: string
  nonce: string
  verifier: string
}

interface Found {
  configuration: Configuration
  oidc: typeof Oidc
}

export const comesBackTo = "/v1/session/provider/callback"
const timeoutMs = 5000

/**
 * Signs people in at an identity provider.
 *
 * VENDOR_UNAVAILABLE when the provider gives no answer, AUTHENTICATION_FAILED when what comes back is not what was asked for: another
 * state, nonce, issuer or audience, a signature that is wrong, a code that was used, or the person's or the provider's refusal.
 */
export class ProviderSignIn {
  readonly #provider: IdentityProvider
  #found: Promise<Found> | undefined

  constructor(provider: IdentityProvider) {
    this.#provider = provider
  }

  get title(): string {
    return this.#provider.title ?? new URL(this.#provider.issuer).host
  }

  /** Where to send the browser, and what it has to keep. */
  async leave(): Promise<{ address: string; leaving: Leaving }> {
    const { configuration, oidc } = await this.#provided()
    const leaving = { state: oidc.randomState(), nonce: oidc.randomNonce(), verifier: oidc.randomPKCECodeVerifier() }
    const address = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#wayBack().href,
      scope: this.#provider.scopes ?? "openid profile email",
      response_type: "code",
      state: leaving.state,
      nonce: leaving.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(leaving.verifier),
      code_challenge_method: "S256",
    })
    return { address: address.href, leaving }
  }

  /** Who came back. `query` is what stands behind the `?` of the address. */
  async comeBack(query: string, { state, nonce, verifier }: Leaving): Promise<Identity> {
    const { configuration, oidc } = await this.#provided()
    const address = this.#wayBack()
    address.search = query
    try {
      const tokens = await oidc.authorizationCodeGrant(configuration, address, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      })
      return identityOf(tokens.claims(), this.#provider)
    } catch (thrown) {
      throw refused(thrown)
    }
  }

  #wayBack(): URL {
    return new URL(comesBackTo, this.#provider.publicAddress)
  }

  /** Read once; again after it could not be read. */
  #provided(): Promise<Found> {
    this.#found ??= discovered(this.#provider).catch((thrown: unknown) => {
      this.#found = undefined
      throw unavailable(this.title, thrown)
    })
    return this.#found
  }
}

/** What somebody of these groups may do; undefined when none of them is known here. A limit of one group holds for all of them. */
export function accessOf(
  provider: Pick<IdentityProvider, "groups">,
  groups: readonly string[],
): GroupAccess | undefined {
  const own = Object.entries(provider.groups).flatMap(([group, access]) => (groups.includes(group) ? [access] : []))
  if (own.length === 0) return undefined
  const limitsBy = (what: "channels" | "stores") => {
    const limited = own.flatMap((access) => (access[what] ? [access[what]] : []))
    return limited.length === 0 ? {} : { [what]: [...new Set(limited.flat())] }
  }
  return { roles: [...new Set(own.flatMap(({ roles }) => roles))], ...limitsBy("channels"), ...limitsBy("stores") }
}

/** The library is loaded only where an estate has a provider. */
async function discovered(provider: IdentityProvider): Promise<Found> {
  const oidc = await import("openid-client")
  const { issuer, clientId, clientSecret, allowPrivateNetwork = false } = provider
  const isPlain = new URL(issuer).protocol === "http:"
  const configuration = await oidc.discovery(new URL(issuer), clientId, clientSecret, undefined, {
    timeout: timeoutMs / 1000,
    [oidc.customFetch]: fetchedBy(allowPrivateNetwork),
    // The standard lets a client trust the connection instead of the id token's signature. Ours goes through proxies of companies.
    execute: [oidc.enableNonRepudiationChecks, ...(isPlain ? [oidc.allowInsecureRequests] : [])],
  })
  return { configuration, oidc }
}

/** Calls the provider by our own client, which reaches no private address and follows no redirect. */
function fetchedBy(allowPrivateNetwork: boolean): CustomFetch {
  return async (address, { method, headers, body, signal }) => {
    const { origin, pathname, search } = new URL(address)
    const client = createHttpClient({ baseUrl: origin, timeoutMs, allowPrivateNetwork })
    try {
      const { status, text, ...answer } = await client.send({
        method: method as HttpCall["method"],
        path: pathname + search,
        headers: { ...headers },
        ...(body === undefined || body === null ? {} : { body: bodyText(body) }),
        ...(signal ? { signal } : {}),
        isRead: true,
      })
      const type = answer.headers["content-type"]
      return new Response(text, { status, headers: typeof type === "string" ? { "content-type": type } : {} })
    } finally {
      client.close()
    }
  }
}

function bodyText(body: NonNullable<Parameters<CustomFetch>[1]["body"]>): string {
  if (typeof body === "string") return body
  if (body instanceof URLSearchParams) return body.toString()
  throw new AppError("INVARIANT_BROKEN", "the provider is called with forms only")
}

/** Every problem of a provider's settings; `places` are those that the estate has. */
export function providerProblems(provider: IdentityProvider, places: readonly string[]): Problem[] {
  const at = (pointer: string, message: string) => [{ pointer: `/identityProvider${pointer}`, message }]
  return [
    ...(["issuer", "publicAddress"] as const).flatMap((name) => {
      const address = provider[name]
      if (!URL.canParse(address)) return at(`/${name}`, `"${address}" is no address`)
      const { protocol, hostname } = new URL(address)
      const isHere = ["127.0.0.1", "localhost", "[::1]"].includes(hostname)
      return protocol === "https:" || (protocol === "http:" && isHere)
        ? []
        : at(`/${name}`, "must begin with https://; only on this machine itself http:// will do")
    }),
    ...(["clientId", "clientSecret"] as const).flatMap((name) => (provider[name] ? [] : at(`/${name}`, "is empty"))),
    ...(Object.keys(provider.groups).length > 0 ? [] : at("/groups", "names no group: nobody could sign in")),
    ...Object.entries(provider.groups).flatMap(([group, { roles }]) =>
      roles.length > 0 && roles.every(isRole)
        ? []
        : at(`/groups/${group}/roles`, `must be some of ${Object.keys(allRoles).join(", ")}`),
    ),
    ...Object.entries(provider.groups).flatMap(([group, { stores = [] }]) =>
      stores.flatMap((store, n) =>
        places.includes(store) ? [] : at(`/groups/${group}/stores/${n}`, `"${store}" is no location of this estate`),
      ),
    ),
  ]
}

function identityOf(claims: IDToken | undefined, { groupsClaim = "groups" }: IdentityProvider): Identity {
  if (!claims) throw new AppError("AUTHENTICATION_FAILED", "the provider sent no id token")
  const text = (claim: string) => {
    const value = claims[claim]
    return typeof value === "string" && value !== "" ? value : undefined
  }
  const claimed = claims[groupsClaim]
  const groups = typeof claimed === "string" ? [claimed] : claimed
  const name = text("preferred_username") ?? text("email") ?? text("name") ?? claims.sub
  return {
    subject: `${claims.iss} ${claims.sub}`,
    name,
    fullName: text("name") ?? name,
    groups: Array.isArray(groups) ? groups.filter((group) => typeof group === "string") : [],
  }
}

function refused(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const { cause } = thrown as Error
  if (cause instanceof AppError) return cause
  return new AppError(
    "AUTHENTICATION_FAILED",
    `the identity provider's answer was refused: ${describeError(thrown).message}`,
    {
      cause: thrown,
    },
  )
}

function unavailable(title: string, thrown: unknown): AppError {
  const message = `${title} cannot be asked: ${describeError(thrown).message}`
  return new AppError("VENDOR_UNAVAILABLE", message, { cause: thrown })
}
