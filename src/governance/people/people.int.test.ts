import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { testGateway, type TestGateway } from "../../../test/fixtures/gateway.ts"
import { People } from "./people.ts"
import { roles } from "./roles.ts"

let gateway: TestGateway
let people: People
let adminKey: string

beforeAll(async () => {
  gateway = await testGateway()
  people = new People(gateway.database.sql, gateway.clock)
  adminKey = await gateway.consumer({ id: "boss" })
})
afterAll(() => gateway?.close())

type Method = "GET" | "POST" | "PUT" | "DELETE"
const fromConsole = { "crossdock-console": "1", "content-type": "application/json", host: "127.0.0.1:4400" }
const call = (method: Method, url: string, { headers = {}, body }: { headers?: object; body?: unknown } = {}) =>
  gateway.app.inject({
    method,
    url,
    headers: { ...fromConsole, ...headers },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  })
const asAdmin = (method: Method, url: string, body?: unknown) =>
  call(method, url, { headers: { authorization: `Bearer ${adminKey}` }, body })

async function person(name: string, roles: string[], channels?: string[]): Promise<void> {
  const answer = await asAdmin("PUT", `/v1/people/${name}`, {
    fullName: `${name} Miller`,
    roles,
    ...(channels ? { channels } : {}),
  })
  expect(answer.statusCode).toBe(200)
}

async function linkOf(name: string): Promise<string> {
  const answer = await asAdmin("POST", `/v1/people/${name}/link`, {})
  expect(answer.statusCode).toBe(201)
  return answer.json<{ token: string }>().token
}

/** The `Cookie` of a new session. */
async function session(name: string): Promise<string> {
  const answer = await call("POST", "/v1/session", { body: { token: await linkOf(name) } })
  expect(answer.statusCode).toBe(200)
  return String(answer.headers["set-cookie"]).split(";")[0] ?? ""
}

describe("a person", () => {
  it("signs in by a link, which works once, and is then who the console says", async () => {
    await person("anna", ["operator"])
    const token = await linkOf("anna")
    const first = await call("POST", "/v1/session", { body: { token } })
    expect(first.statusCode).toBe(200)
    expect(first.headers["set-cookie"]).toMatch(
      /^crossdock_session=cdk_\S+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    )
    const cookie = String(first.headers["set-cookie"]).split(";")[0] ?? ""
    const me = await call("GET", "/v1/me", { headers: { cookie } })
    expect(me.json()).toMatchObject({ name: "anna Miller", roles: ["operator"], channels: null })
    expect(me.json<{ can: object[] }>().can).toContainEqual({ act: "decide exceptions", allowed: true })
    expect(me.json<{ can: object[] }>().can).toContainEqual({
      act: "approve operations",
      allowed: false,
      reason: "needs the role approver or finance or admin",
    })
    const second = await call("POST", "/v1/session", { body: { token } })
    expect([second.statusCode, second.json<{ detail: string }>().detail]).toEqual([
      401,
      expect.stringContaining("used already"),
    ])
  })

  it("may do what the roles say and nothing else", async () => {
    await person("vera", ["viewer"])
    const headers = { cookie: await session("vera") }
    expect((await call("GET", "/v1/exceptions", { headers })).statusCode).toBe(200)
    const decided = await call("POST", "/v1/exceptions/ex-1/decision", { headers, body: { action: "retry" } })
    expect([decided.statusCode, decided.json<{ code: string }>().code]).toEqual([403, "PERMISSION_MISSING"])
    expect(
      (await call("PUT", "/v1/people/vera", { headers, body: { fullName: "V", roles: ["admin"] } })).statusCode,
    ).toBe(403)
  })

  it("signs in by name and password too, and choosing a password ends the other sessions", async () => {
    await person("otto", ["operator"])
    const kept = await session("otto")
    const other = await session("otto")
    const short = await call("PUT", "/v1/me/password", { headers: { cookie: kept }, body: { password: "short" } })
    expect(short.statusCode).toBe(422)
    const password = "correct horse battery staple"
    expect((await call("PUT", "/v1/me/password", { headers: { cookie: kept }, body: { password } })).statusCode).toBe(
      200,
    )
    expect((await call("GET", "/v1/me", { headers: { cookie: kept } })).statusCode).toBe(200)
    expect((await call("GET", "/v1/me", { headers: { cookie: other } })).statusCode).toBe(401)
    expect((await call("POST", "/v1/session", { body: { name: "otto", password } })).statusCode).toBe(200)
    for (const wrong of [
      { name: "otto", password: "wrong wrong wrong" },
      { name: "nobody", password },
    ]) {
      const answer = await call("POST", "/v1/session", { body: wrong })
      expect([answer.statusCode, answer.json<{ detail: string }>().detail]).toEqual([401, "name or password is wrong"])
    }
  })

  it("is signed out by the session's end, by twelve hours, and by an administrator", async () => {
    await person("ida", ["viewer"])
    const cookie = await session("ida")
    const out = await call("DELETE", "/v1/session", { headers: { cookie } })
    expect([out.statusCode, out.headers["set-cookie"]]).toEqual([
      200,
      expect.stringMatching(/^crossdock_session=; Path=\/; Max-Age=0;/),
    ])
    expect((await call("GET", "/v1/me", { headers: { cookie } })).statusCode).toBe(401)
    const late = await session("ida")
    gateway.clock.moveMs(12 * 3_600_000 + 1)
    expect((await call("GET", "/v1/me", { headers: { cookie: late } })).statusCode).toBe(401)
    const removed = await session("ida")
    expect((await asAdmin("DELETE", "/v1/consumers/person-ida")).statusCode).toBe(200)
    expect((await call("GET", "/v1/me", { headers: { cookie: removed } })).statusCode).toBe(401)
  })

  it("leaves an audit row for every sign-in and every change of access, without a secret in it", async () => {
    const rows = await gateway.database.sql<{ actor: string; action: string; subject: string; detail: object }[]>`
      select actor, action, subject, detail from audit_log where subject = 'person otto' order by id`
    expect(rows.map(({ action }) => action)).toEqual([
      "put person",
      "make sign-in link",
      "sign in",
      "make sign-in link",
      "sign in",
      "set password",
      "sign in",
    ])
    expect(JSON.stringify(rows)).not.toMatch(/cdk_[0-9a-z]+_|cdl_|scrypt|correct horse/)
  })
})

describe("a session's cookie", () => {
  it("changes nothing from a page of another site", async () => {
    await person("eve", ["admin"])
    const cookie = await session("eve")
    const change = (headers: Record<string, string>) =>
      gateway.app.inject({
        method: "PUT",
        url: "/v1/people/mallory",
        headers: { cookie, host: "crossdock.example", "content-type": "application/json", ...headers },
        payload: JSON.stringify({ fullName: "M", roles: ["viewer"] }),
      })
    const console = { "crossdock-console": "1" }
    expect((await change({})).statusCode).toBe(403)
    expect((await change({ ...console, origin: "https://evil.example" })).statusCode).toBe(403)
    expect((await change({ ...console, origin: "null" })).statusCode).toBe(403)
    expect((await change({ ...console, origin: "https://crossdock.example" })).statusCode).toBe(200)
  })

  it("is for encrypted connections only, but on this machine", async () => {
    await person("tim", ["viewer"])
    const headers = { host: "crossdock.example" }
    const answer = await call("POST", "/v1/session", { headers, body: { token: await linkOf("tim") } })
    expect(answer.headers["set-cookie"]).toMatch(/; Secure$/)
  })
})

describe("guessing", () => {
  it("ends after ten wrong passwords of a name, and links and other names go on", async () => {
    await person("paul", ["viewer"])
    const wrong = () => call("POST", "/v1/session", { body: { name: "paul", password: "not the right one" } })
    for (let count = 0; count < 10; count += 1) expect((await wrong()).statusCode).toBe(401)
    const refused = await wrong()
    expect([refused.statusCode, Number(refused.headers["retry-after"])]).toEqual([429, expect.any(Number)])
    for (let count = 0; count < 20; count += 1)
      expect((await call("POST", "/v1/session", { body: { token: `cdl_wrong_${count}` } })).statusCode).toBe(401)
    expect((await call("POST", "/v1/session", { body: { token: await linkOf("paul") } })).statusCode).toBe(200)
  })
})

describe("who gives rights", () => {
  it("can give no role that has more than the giver", async () => {
    const key = await gateway.consumer({
      id: "deputy",
      scopes: ["people:*", "me:*", ...roles.viewer.scopes],
    })
    const put = (given: string[]) =>
      call("PUT", "/v1/people/newbie", {
        headers: { authorization: `Bearer ${key}` },
        body: { fullName: "N", roles: given },
      })
    expect((await put(["viewer"])).statusCode).toBe(200)
    expect((await put(["admin"])).statusCode).toBe(403)
    const unknown = await put(["king"])
    expect([unknown.statusCode, unknown.json<{ code: string }>().code]).toEqual([422, "REQUEST_INVALID"])
  })

  it("a person's id is no program's, and a program has no session", async () => {
    const asProgram = await asAdmin("PUT", "/v1/consumers/person-anna", { name: "x", owner: "y", scopes: ["*"] })
    expect(asProgram.statusCode).toBe(422)
    expect((await asAdmin("DELETE", "/v1/session")).statusCode).toBe(409)
  })

  it("before anybody has signed in there is nobody, and afterwards there is", async () => {
    const fresh = await testGateway()
    const nobody = new People(fresh.database.sql, fresh.clock)
    expect(await nobody.anybodySignedIn()).toBe(false)
    await nobody.put({ name: "admin", fullName: "A", roles: ["admin"], apiVersion: "2026-11-01" })
    const { token } = await nobody.makeLink("admin")
    expect(await nobody.anybodySignedIn()).toBe(false)
    await nobody.signInByLink(token)
    expect(await nobody.anybodySignedIn()).toBe(true)
    await fresh.close()
    expect(await people.anybodySignedIn()).toBe(true)
  })
})
