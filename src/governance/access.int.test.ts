import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { testGateway, type TestGateway } from "../../test/fixtures/gateway.ts"
import { keyHash } from "./consumers.ts"

let gateway: TestGateway
let issuer: Server
let published: JWK[] = []
let fetches = 0
let es: { privateKey: CryptoKey; publicKey: CryptoKey }

beforeAll(async () => {
  es = await generateKeyPair("ES256")
  published = [{ ...(await exportJWK(es.publicKey)), kid: "k1", alg: "ES256" }]
  issuer = createServer((_request, response) => {
    fetches += 1
    response.setHeader("content-type", "application/json").end(JSON.stringify({ keys: published }))
  })
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve))
  const { port } = issuer.address() as AddressInfo
  gateway = await testGateway({
    tokenIssuer: {
      issuer: "https://issuer.example",
      audience: "crossdock",
      jwksUrl: `http://127.0.0.1:${port}/keys`,
      allowPrivateNetwork: true,
    },
  })
})
afterAll(async () => {
  await gateway?.close()
  issuer?.close()
})

const status = async (credential: string, url = "/v1/orders") => {
  const answer = await gateway.app.inject({ method: "GET", url, headers: { authorization: `Bearer ${credential}` } })
  return answer.statusCode
}

describe("API keys", () => {
  it("two live keys allow rotation without a gap; a third is refused; a revoked one stops at once", async () => {
    const first = await gateway.consumer({ id: "rotating" })
    const { consumers, access } = gateway.core
    const second = await consumers.addKey("rotating")
    await access.refresh()
    expect([await status(first), await status(second.key)]).toEqual([200, 200])
    await expect(consumers.addKey("rotating")).rejects.toMatchObject({ code: "STATE_FORBIDS" })
    await consumers.revokeKey("rotating", first.slice(0, first.lastIndexOf("_")))
    await access.refresh()
    expect([await status(first), await status(second.key)]).toEqual([401, 200])
    await expect(consumers.addKey("rotating")).resolves.toBeDefined()
  })

  it("of many rotations at once no more than two keys are left alive", async () => {
    const { consumers } = gateway.core
    await gateway.consumer({ id: "racing" })
    // Opens all connections of the pool first, so that the eight requests run at the same time.
    await Promise.all(Array.from({ length: 8 }, () => gateway.database.sql`select pg_sleep(0.1)`))
    const made = await Promise.allSettled(Array.from({ length: 8 }, () => consumers.addKey("racing")))
    expect(made.filter((one) => one.status === "fulfilled")).toHaveLength(1)
    expect(await consumers.listKeys("racing")).toHaveLength(2)
  })

  it("are kept as hashes only", async () => {
    const key = await gateway.consumer({ id: "hashed" })
    const rows = await gateway.database.sql<{ text: string; hash: Buffer }[]>`
      select api_keys::text as text, hash from api_keys where consumer_id = 'hashed'`
    expect(rows[0]?.hash.toString("hex")).toBe(keyHash(key))
    expect(rows[0]?.text).not.toContain(key.slice(key.lastIndexOf("_") + 1))
  })

  it("end when they expire and when their consumer is shut out", async () => {
    const { consumers, access } = gateway.core
    await gateway.consumer({ id: "ending" })
    const expiresAt = new Date(gateway.clock.now() + 60_000).toISOString()
    const { key } = await consumers.addKey("ending", { expiresAt })
    await access.refresh()
    expect(await status(key)).toBe(200)
    gateway.clock.moveMs(61_000)
    expect(await status(key)).toBe(401)
    const other = await gateway.consumer({ id: "shut-out" })
    expect(await status(other)).toBe(200)
    await consumers.setActive("shut-out", false)
    await access.refresh()
    expect(await status(other)).toBe(401)
  })

  it("a key made elsewhere works here at once, and its use is written down", async () => {
    await gateway.consumer({ id: "elsewhere" })
    const { consumers, access } = gateway.core
    const { key, id } = await consumers.addKey("elsewhere")
    gateway.clock.moveMs(1000)
    expect(await status(key)).toBe(200)
    await access.close()
    const keys = await consumers.listKeys("elsewhere")
    expect(keys.find((one) => one.id === id)?.lastUsedAt).toBeDefined()
  })

  it("nobody hands on a scope they do not have", async () => {
    const limited = await gateway.consumer({ id: "limited", scopes: ["consumers:write", "orders:read"] })
    const put = (scopes: string[]) =>
      gateway.app.inject({
        method: "PUT",
        url: "/v1/consumers/made-by-limited",
        headers: { authorization: `Bearer ${limited}` },
        payload: { name: "n", owner: "o", scopes },
      })
    expect((await put(["orders:write"])).statusCode).toBe(403)
    expect((await put(["*"])).statusCode).toBe(403)
    expect((await put(["orders:read"])).statusCode).toBe(200)
    const stronger = await gateway.app.inject({
      method: "POST",
      url: "/v1/consumers/rotating/keys",
      headers: { authorization: `Bearer ${limited}` },
    })
    expect(stronger.statusCode).toBe(403)
  })
})

describe("OAuth2 tokens", () => {
  const claims = { client_id: "client-1", scope: "orders:read stock:read" }
  const token = (
    changes: Record<string, unknown> = {},
    header: { alg?: string; kid?: string } = {},
    key = es.privateKey,
  ) =>
    new SignJWT({
      iss: "https://issuer.example",
      aud: "crossdock",
      exp: Math.floor(Date.now() / 1000) + 300,
      ...claims,
      ...changes,
    })
      .setProtectedHeader({ alg: "ES256", kid: "k1", ...header })
      .sign(key)

  beforeAll(async () => {
    await gateway.consumer({ id: "by-token", oauthClientId: "client-1", scopes: ["orders:*"] })
  })

  it("a good one lets its client in, with no more than both sides granted", async () => {
    const good = await token()
    expect(await status(good)).toBe(200)
    expect(await status(good, "/v1/availability?sku=A")).toBe(403)
    expect(await status(await token({ scope: "" }))).toBe(403)
    expect(await status(await token({ scope: "*" }))).toBe(403)
  })

  it("a wrong issuer, audience, time, client, signature or algorithm is refused", async () => {
    const stranger = await generateKeyPair("ES256")
    const refused = [
      token({ iss: "https://other.example" }),
      token({ aud: "other" }),
      token({ exp: Math.floor(Date.now() / 1000) - 60 }),
      token({ exp: undefined }),
      token({ client_id: "unknown" }),
      token({}, {}, stranger.privateKey),
    ]
    for (const one of refused) expect(await status(await one)).toBe(401)
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
    const unsigned = `${encode({ alg: "none" })}.${encode({ ...claims, iss: "https://issuer.example", aud: "crossdock", exp: 9e9 })}.`
    expect(await status(unsigned)).toBe(401)
    const secret = new TextEncoder().encode(JSON.stringify(published[0]))
    const confused = await new SignJWT({ iss: "https://issuer.example", aud: "crossdock", exp: 9e9, ...claims })
      .setProtectedHeader({ alg: "HS256", kid: "k1" })
      .sign(secret)
    expect(await status(confused)).toBe(401)
  })

  it("a new key of the issuer is found, and forged key ids do not hammer the issuer", async () => {
    const next = await generateKeyPair("ES256")
    published = [...published, { ...(await exportJWK(next.publicKey)), kid: "k2", alg: "ES256" }]
    gateway.clock.moveMs(31_000)
    expect(await status(await token({}, { kid: "k2" }, next.privateKey))).toBe(200)
    const before = fetches
    for (let at = 0; at < 10; at += 1) expect(await status(await token({}, { kid: `forged${at}` }))).toBe(401)
    expect(fetches).toBe(before)
  })
})

describe("idempotency keys", () => {
  let key: string
  const decide = (idempotencyKey: string, action: string, id = "ex-1") =>
    gateway.app.inject({
      method: "POST",
      url: `/v1/exceptions/${id}/decision`,
      headers: { authorization: `Bearer ${key}`, "idempotency-key": idempotencyKey },
      payload: { action },
    })
  beforeAll(async () => {
    key = await gateway.consumer({ id: "operator" })
  })

  it("of twenty requests at once one is carried out; the others are told to wait or get its answer", async () => {
    const before = gateway.acts.length
    const answers = await Promise.all(Array.from({ length: 20 }, () => decide("key-1", "retry")))
    expect(gateway.acts.length - before).toBe(1)
    expect(answers.every((answer) => [200, 409].includes(answer.statusCode))).toBe(true)
    const repeat = await decide("key-1", "retry")
    expect(repeat.headers["idempotent-replayed"]).toBe("true")
    expect(repeat.json()).toEqual(answers.find((answer) => answer.statusCode === 200)?.json())
    expect(gateway.acts.length - before).toBe(1)
  })

  it("another body or route under the same key is refused, another consumer's same key is its own", async () => {
    expect((await decide("key-1", "dismiss")).json()).toMatchObject({ status: 422, code: "IDEMPOTENCY_KEY_REUSED" })
    expect((await decide("key-1", "retry", "ex-2")).json()).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" })
    key = await gateway.consumer({ id: "operator-2" })
    expect((await decide("key-1", "dismiss")).statusCode).toBe(200)
  })

  it("an error is not kept: the same key may try again", async () => {
    expect((await decide("key-2", "retry", "no-such")).statusCode).toBe(404)
    expect((await decide("key-2", "retry", "no-such")).statusCode).toBe(404)
    expect((await decide("key-2", "retry")).statusCode).toBe(200)
  })

  it("a claim whose holder died is taken over after its minute, and everything goes after its day", async () => {
    const { idempotencyKeys } = gateway.core
    const request = { consumerId: "operator", key: "dead", route: "r", digest: "d" }
    expect((await idempotencyKeys.claim(request)).kind).toBe("new")
    expect((await idempotencyKeys.claim(request)).kind).toBe("in progress")
    await gateway.database
      .sql`update idempotency_keys set claimed_until = now() - interval '1 second' where key = 'dead'`
    expect((await idempotencyKeys.claim({ ...request, digest: "other" })).kind).toBe("used for another request")
    expect((await idempotencyKeys.claim(request)).kind).toBe("new")
    await gateway.database.sql`update idempotency_keys set expires_at = now() - interval '1 second' where key = 'dead'`
    expect(await idempotencyKeys.expire()).toBe(1)
  })
})

describe("rate limits", () => {
  it("answer 429 with Retry-After and the draft's headers, count it by consumer, and let in again in time", async () => {
    const key = await gateway.consumer({ id: "slow", ratePerSecond: 1, burst: 2 })
    const get = () =>
      gateway.app.inject({ method: "GET", url: "/v1/orders", headers: { authorization: `Bearer ${key}` } })
    const first = await get()
    expect(first.headers).toMatchObject({ ratelimit: '"default";r=1;t=1', "ratelimit-policy": '"default";q=2;w=2' })
    await get()
    const third = await get()
    expect(third.statusCode).toBe(429)
    expect(third.json()).toMatchObject({ code: "RATE_LIMITED" })
    expect(third.headers).toMatchObject({ "retry-after": "1", ratelimit: '"default";r=0;t=2' })
    const metrics = (await gateway.app.inject({ method: "GET", url: "/metrics" })).body
    expect(metrics).toContain('crossdock_policy_violations_total{consumer="slow",policy="RATE_LIMITED"} 1')
    gateway.clock.moveMs(1000)
    expect((await get()).statusCode).toBe(200)
  })
})
