import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { comesBackTo } from "../../src/governance/people/identity-provider.ts"
import { startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { startOidcIssuer, type OidcIssuer } from "../fixtures/access/oidc-issuer.ts"
import { faultsOfAccess, hasBrowser, openPage, startBrowser, type Browser } from "./browser.ts"

describe.skipIf(!hasBrowser)("signing in with the company's account, in a browser", () => {
  let issuer: OidcIssuer
  let t: TestCrossdock
  let browser: Browser
  let wayBack: Server

  beforeAll(async () => {
    // The provider has to know the gateway's address before the gateway has one, so another address leads there.
    wayBack = createServer(({ url = "" }, response) => response.writeHead(303, { location: t.gatewayUrl + url }).end())
    await new Promise<void>((resolve) => wayBack.listen(0, "127.0.0.1", resolve))
    const publicAddress = `http://127.0.0.1:${(wayBack.address() as AddressInfo).port}`
    const [id, secret] = ["console", "only in a test"]
    issuer = await startOidcIssuer({ id, secret, wayBack: publicAddress + comesBackTo })
    const identityProvider = {
      issuer: issuer.issuer,
      clientId: id,
      clientSecret: secret,
      publicAddress,
      title: "Shop & Co",
      allowPrivateNetwork: true,
      groups: { operations: { roles: ["operator"] } },
    }
    ;[t, browser] = await Promise.all([
      startTestCrossdock({ seed: 71, estate: (estate) => ({ ...estate, identityProvider }) }),
      startBrowser(),
    ])
  })
  afterAll(async () => {
    await browser?.close()
    await t?.stop()
    await issuer?.stop()
    wayBack?.close()
  })

  test("one click signs a person in, and they end where they wanted to go", async () => {
    issuer.signsIn = { sub: "00u1", name: "Anna Müller", preferred_username: "anna", groups: ["operations"] }
    const { page, complaints } = await openPage(browser, t)
    await page.goto("/console/exceptions?owner=operations")
    const way = page.getByRole("link", { name: "Sign in with Shop & Co" })
    await way.waitFor()
    expect(await faultsOfAccess(page)).toEqual([])
    await way.click()
    await page.getByRole("heading", { name: "Exceptions", level: 1 }).waitFor()
    expect(new URL(page.url()).search).toBe("?owner=operations")
    await page.getByText("Anna Müller").waitFor()
    expect(complaints).toEqual([])
  })

  test("who has no access here is told so, in words of ours", async () => {
    issuer.signsIn = { sub: "00u2", name: "Bob", groups: ["bowling"] }
    const { page } = await openPage(browser, t, { width: 390 })
    await page.goto("/console/")
    await page.getByRole("link", { name: "Sign in with Shop & Co" }).click()
    await page.getByRole("alert").getByText("None of your groups has access").waitFor()
    expect(new URL(page.url()).hash).toBe("")
    expect(await faultsOfAccess(page)).toEqual([])
  })
})
