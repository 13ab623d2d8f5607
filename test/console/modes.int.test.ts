import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { hasBrowser, openPage, signIn, startBrowser, type Browser } from "./browser.ts"

describe.skipIf(!hasBrowser)("modes at the console", () => {
  let t: TestCrossdock
  let browser: Browser
  beforeAll(async () => {
    ;[t, browser] = await Promise.all([startTestCrossdock({ seed: 67 }), startBrowser()])
  })
  afterAll(async () => {
    await browser?.close()
    await t?.stop()
  })

  test("X-13 a person enters a mode before an absence, everybody sees what goes on and what waits, and it is left again", async () => {
    const { context, page, complaints } = await openPage(browser, t, { width: 1280 })
    await signIn(page, t, ["operator"])
    await page.goto("/console/connections")
    await page.getByRole("link", { name: "warehouse down" }).click()
    await page.getByText("It was never entered.").waitFor()
    await page.getByText("The warehouse does not answer. Orders come in").waitFor()
    await page.getByRole("button", { name: "Enter", exact: true }).click()
    const dialog = page.getByRole("dialog")
    // Nobody is kept from selling without a reason.
    expect(await dialog.getByRole("button", { name: "Enter" }).isDisabled()).toBe(true)
    await dialog.getByRole("textbox").fill("the hall is without power")
    await dialog.getByRole("button", { name: "Enter" }).click()
    await dialog.waitFor({ state: "detached" })
    await page.getByText("the hall is without power").first().waitFor()

    await page.goto("/console/")
    await page.getByText("warehouse down").first().waitFor()
    await page.getByText("Waits: release of parcels").waitFor()
    await page.goto("/console/modes/warehouse%20down")
    await page.getByRole("button", { name: "Leave", exact: true }).click()
    await page.getByRole("dialog").getByRole("textbox").fill("power is back")
    await page.getByRole("dialog").getByRole("button", { name: "Leave" }).click()
    await expect
      .poll(async () => (await t.api("GET", "/v1/modes/warehouse%20down")).body["state"], { timeout: 30_000 })
      .toBe("normal")
    await page.reload()
    await page.getByText("0 ended, 0 go on, 0 with a person").waitFor()
    expect(complaints).toEqual([])
    await context.close()
  })

  test("X-13 who may not enter a mode sees why", async () => {
    const { context, page } = await openPage(browser, t, { width: 390 })
    await signIn(page, t, ["viewer"])
    await page.goto("/console/modes/ERP%20down")
    await page.getByText(/needs the role operator/).waitFor()
    expect(await page.getByRole("button", { name: "Enter", exact: true }).isDisabled()).toBe(true)
    await context.close()
  })
})
