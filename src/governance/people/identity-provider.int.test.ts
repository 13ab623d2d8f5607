import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { testGateway, type TestGateway } from "../../../test/fixtures/gateway.ts"
import { startOidcIssuer, type OidcIssuer } from "../../../test/fixtures/access/oidc-issuer.ts"
import { comesBackTo, type IdentityProvider } from "./identity-provider.ts"
import { People } from "./people.ts"

const publicAddress = "http://127.0.0.1:4400"
let issuer: OidcIssuer
let gateway: TestGateway
let people: People

const provider = (): IdentityProvider => ({
  issuer: issuer.issuer,
  clientId: "crossdock",
  clientSecret: "only in a test",
  publicAddress,
  title: "Shop & Co",
  allowPrivateNetwork: true,
  groups: {
    "shop-operations": { roles: ["operator"] },
    "store-117": { roles: ["viewer"], stores: ["store-117"] },
  },
})

beforeAll(async () => {
  issuer = await startOidcIssuer({ id: "crossdock", secret: "only in a test", wayBack: publicAddress + comesBackTo })
  gateway = await testGateway({ identityProvider: provider() })
  people = new People(gateway.database.sql, gateway.clock)
})
afterAll(async () => {
  await gateway?.close()
  await issuer?.stop()
})

const call = (
  method: "GET" | "POST" | "PUT",
  url: string,
  { cookie = "", body }: { cookie?: string; body?: unknown } = {},
) =>
  gateway.app.inject({
    method,
    url,
    headers: {
      host: "127.0.0.1:4400",
      "crossdock-console": "1",
      cookie,
      ...(body ? { "content-type": "application/json" } : {}),
    },
    ...(body ? { payload: JSON.stringify(body) } : {}),
  })
const cookieOf = (answer: { headers: Record<string, unknown> }) =>
  String(answer.headers["set-cookie"]).split(";")[0] ?? ""

/** Leaves for the provider; its cookie, and the address the browser is sent to. */
async function leave(next = "") {
  const answer = await call("GET", `/v1/session/provider${next && `?next=${encodeURIComponent(next)}`}`)
  expect(answer.statusCode).toBe(303)
  return { kept: cookieOf(answer), there: String(answer.headers.location) }
}

/** Follows the provider's redirects as a browser does, until it sends us back; the path there. */
async function atProvider(address: string): Promise<string> {
  const cookies = new Map<string, string>()
  for (let hop = 0; hop < 10; hop += 1) {
    if (address.startsWith(publicAddress)) return address.slice(publicAddress.length)
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    const answer = await fetch(address, { redirect: "manual", headers: { cookie } })
    for (const set of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = set.split(";", 1)[0]?.split("=") ?? []
      cookies.set(name, value)
    }
    address = new URL(answer.headers.get("location") ?? "", address).href
  }
  throw new Error(`the provider sends nobody back: ${address}`)
}

/** Where a person of these claims ends in the console. */
async function signIn(claims: Record<string, unknown> & { sub: string }, next = ""): Promise<URL> {
  issuer.signsIn = claims
  const { kept, there } = await leave(next)
  const answer = await call("GET", await atProvider(there), { cookie: kept })
  expect(answer.statusCode).toBe(303)
  return new URL(String(answer.headers.location), publicAddress)
}

async function sessionOf(at: URL): Promise<string> {
  const token = new URLSearchParams(at.hash.slice(1)).get("token")
  const answer = await call("POST", "/v1/session", { body: { token } })
  expect(answer.statusCode).toBe(200)
  return cookieOf(answer)
}

const anna = {
  sub: "00u1",
  name: "Anna Müller",
  preferred_username: "Anna.Müller@example.com",
  groups: ["shop-operations"],
}
const failureOf = (at: URL) => new URLSearchParams(at.hash.slice(1)).get("failed")

describe("signing in at the company's identity provider", () => {
  it("the sign-in page is told of it", async () => {
    const ways = await call("GET", "/v1/session/ways")
    expect(ways.json()).toEqual({ password: true, provider: { title: "Shop & Co", address: "/v1/session/provider" } })
  })

  it("makes the person with the roles of their groups, opens a session, and goes where they wanted to", async () => {
    const at = await signIn(anna, "/exceptions?owner=me")
    expect([at.pathname, at.searchParams.get("next")]).toEqual(["/console/sign-in", "/exceptions?owner=me"])
    const me = await call("GET", "/v1/me", { cookie: await sessionOf(at) })
    expect(me.json()).toMatchObject({
      id: "person-anna-muller",
      name: "Anna Müller",
      roles: ["operator"],
      stores: null,
    })
    // The link worked once.
    const token = new URLSearchParams(at.hash.slice(1)).get("token")
    expect((await call("POST", "/v1/session", { body: { token } })).statusCode).toBe(401)
  })

  it("changes roles and limits when the groups change; a limit of one group holds for all", async () => {
    const more = await signIn({ ...anna, groups: ["shop-operations", "store-117", "bowling"] })
    const me = await call("GET", "/v1/me", { cookie: await sessionOf(more) })
    expect(me.json()).toMatchObject({ id: "person-anna-muller", roles: ["operator", "viewer"], stores: ["store-117"] })
  })

  it("turns away people of no group that is known here, and people who are shut out here", async () => {
    expect(failureOf(await signIn({ sub: "00u2", name: "Bob", groups: ["bowling"] }))).toBe("PERMISSION_MISSING")
    expect(failureOf(await signIn({ sub: "00u2", name: "Bob" }))).toBe("PERMISSION_MISSING")
    const carl = { sub: "00u3", preferred_username: "carl", groups: ["shop-operations"] }
    await sessionOf(await signIn(carl))
    await gateway.core.consumers.setActive("person-carl", false)
    expect(failureOf(await signIn(carl))).toBe("AUTHENTICATION_FAILED")
    expect((await people.list()).map(({ name, isActive }) => [name, isActive])).toContainEqual(["carl", false])
  })

  it("somebody who is shut out while they sign in stays out", async () => {
    const cora = { name: "cora", fullName: "Cora", roles: ["viewer"], apiVersion: "2026-11-01", subject: "there cora" }
    await people.put(cora)
    await gateway.core.consumers.setActive("person-cora", false)
    await people.put(cora, "identity provider")
    expect((await people.list()).find(({ name }) => name === "cora")?.isActive).toBe(false)
  })

  it("refuses an id token that the provider's keys did not sign", async () => {
    const fresh = await testGateway({ identityProvider: provider() })
    issuer.hasForeignKeys = true
    try {
      issuer.signsIn = anna
      const headers = { host: "127.0.0.1:4400" }
      const left = await fresh.app.inject({ method: "GET", url: "/v1/session/provider", headers })
      const url = await atProvider(String(left.headers.location))
      const back = await fresh.app.inject({ method: "GET", url, headers: { ...headers, cookie: cookieOf(left) } })
      expect(back.headers.location).toBe("/console/sign-in#failed=AUTHENTICATION_FAILED")
    } finally {
      issuer.hasForeignKeys = false
      await fresh.close()
    }
  })

  it("never makes an account of the provider into a person that was made here, or into another of its people", async () => {
    await people.put({ name: "dora", fullName: "Dora", roles: ["admin"], apiVersion: "2026-11-01" })
    const ids = []
    for (const sub of ["00u4", "00u5", "00u4"]) {
      const at = await signIn({ sub, preferred_username: "dora@example.com", groups: ["store-117"] })
      const me = await call("GET", "/v1/me", { cookie: await sessionOf(at) })
      ids.push(me.json<{ id: string }>().id)
      expect(me.json()).toMatchObject({ roles: ["viewer"] })
    }
    expect(new Set([...ids, "person-dora"]).size).toBe(3)
    expect(ids[0]).toBe(ids[2])
  })

  it("gives its people no password here, which would outlive their account there", async () => {
    const cookie = await sessionOf(await signIn(anna))
    const answer = await call("PUT", "/v1/me/password", { cookie, body: { password: "a long password of mine" } })
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([409, "STATE_FORBIDS"])
  })

  it("refuses a way back that this browser did not leave for: no cookie, another's cookie, a code that was used, a refusal", async () => {
    issuer.signsIn = anna
    const first = await leave()
    const other = await leave()
    const back = await atProvider(first.there)
    for (const cookie of ["", other.kept, "crossdock_leaving=e30", "crossdock_leaving=%%"])
      expect(failureOf(new URL(String((await call("GET", back, { cookie })).headers.location), publicAddress))).toBe(
        "AUTHENTICATION_FAILED",
      )
    const used = await call("GET", back, { cookie: first.kept })
    expect(String(used.headers.location)).toContain("#token=")
    const again = await call("GET", back, { cookie: first.kept })
    expect(again.headers.location).toBe("/console/sign-in#failed=AUTHENTICATION_FAILED")
    issuer.signsIn = undefined
    const third = await leave()
    const refused = await call("GET", await atProvider(third.there), { cookie: third.kept })
    expect(refused.headers.location).toBe("/console/sign-in#failed=AUTHENTICATION_FAILED")
  })

  it("says so when the provider does not answer, and asks it again the next time", async () => {
    const dark = await testGateway({
      identityProvider: {
        issuer: "http://127.0.0.1:9",
        clientId: "c",
        clientSecret: "s",
        publicAddress,
        allowPrivateNetwork: true,
        groups: { all: { roles: ["viewer"] } },
      },
    })
    try {
      for (const _ of [1, 2]) {
        const answer = await dark.app.inject({ method: "GET", url: "/v1/session/provider" })
        expect(answer.headers.location).toBe("/console/sign-in#failed=VENDOR_UNAVAILABLE")
      }
    } finally {
      await dark.close()
    }
  })
})
