import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { AxeBuilder } from "@axe-core/playwright"
import { chromium, type Browser, type Page } from "playwright-core"
import type { TestCrossdock } from "../fixtures/crossdock.ts"

const consoleFolder = join(import.meta.dirname, "../../console")
const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
const executablePath = process.env["CHROMIUM_PATH"] ?? places.find((path) => existsSync(path))

/** Whether this machine has a browser. Without one the tests of the console are skipped, and say so. */
export const hasBrowser = executablePath !== undefined
if (!hasBrowser)
  console.warn("no Chromium is found (apt-get install chromium, or CHROMIUM_PATH): the console is not tested")

export async function startBrowser(): Promise<Browser> {
  assertBuilt()
  return chromium.launch({ executablePath: executablePath ?? "", args: ["--no-sandbox"] })
}

/** What is tested is what was built: an old build would prove nothing. */
function assertBuilt(): void {
  const page = join(consoleFolder, "dist/index.html")
  const builtMs = existsSync(page) ? statSync(page).mtimeMs : 0
  const changed = readdirSync(consoleFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("dist") && !entry.name.includes(".test."))
    .find((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs > builtMs)
  if (changed) throw new Error(`the console is older than ${changed.name}: npm run prepare`)
}

interface Look {
  scheme?: "light" | "dark"
  width?: number
  forcedColors?: boolean
}

/** A browser of its own: what one person does in it is not seen by another. Its page collects what the console complains of. */
export async function openPage(
  browser: Browser,
  t: TestCrossdock,
  { scheme = "light", width = 1280, forcedColors }: Look = {},
) {
  const context = await browser.newContext({
    baseURL: t.gatewayUrl,
    viewport: sizeOf(width),
    colorScheme: scheme,
    forcedColors: forcedColors ? "active" : "none",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    hasTouch: width < 600,
    permissions: ["clipboard-read", "clipboard-write"],
  })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on("pageerror", (error) => complaints.push(error.message))
  page.on("console", (message) => {
    // A refusal of the API that a test asks for is told by the page itself.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      complaints.push(message.text())
  })
  return { context, page, complaints }
}

/** Set, the pictures of the guides are made anew: SCREENSHOTS=docs/screenshots. */
export const pictures = process.env["SCREENSHOTS"]

const everyLook = (["light", "dark"] as const).flatMap((scheme) => [1280, 390].map((width) => ({ scheme, width })))

/** How every screen is looked at. Colours do not depend on the width: each of both once is enough, but for the pictures. */
export const looks = everyLook.filter(
  ({ scheme, width }) => pictures !== undefined || (scheme === "light") === width > 600,
)

/** A picture of the page as it stands, when they are made anew. */
export async function takePicture(page: Page, name: string, { scheme, width }: (typeof everyLook)[number]) {
  if (pictures === undefined) return
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `${name}-${scheme}-${width}.png`) })
}

/** Pictures of a page that only its test can bring to where it stands, in every look. */
export async function takePictures(page: Page, name: string) {
  if (pictures === undefined) return
  const before = page.viewportSize()
  for (const look of everyLook) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize(sizeOf(look.width))
    // The menu of a phone slides to where it stands.
    await page.waitForTimeout(400)
    await takePicture(page, name, look)
  }
  await page.emulateMedia({ colorScheme: "light" })
  if (before) await page.setViewportSize(before)
}

const sizeOf = (width: number) => ({ width, height: width < 600 ? 844 : 800 })

let personCount = 0

/** Signs a new person in, by a link as `crossdock people link` prints it. */
export async function signIn(page: Page, t: TestCrossdock, roles: readonly string[]): Promise<void> {
  await page.goto(await signInLink(t, roles))
  await page.getByRole("heading", { name: "Today", level: 1 }).waitFor()
}

export async function signInLink(
  t: TestCrossdock,
  roles: readonly string[],
  limits: { channels?: string[]; stores?: string[] } = {},
): Promise<string> {
  const name = `person-${(personCount += 1)}`
  await t.api("PUT", `/v1/people/${name}`, { fullName: "Anna Miller", roles, ...limits })
  const { body } = await t.api("POST", `/v1/people/${name}/link`)
  return String(body["path"])
}

/** Goes to a screen and waits until everything on it is read. */
export async function show(page: Page, path: string): Promise<void> {
  await page.goto(`/console${path}`)
  await page.locator("main h1").first().waitFor()
  await page.locator(".skeleton").first().waitFor({ state: "detached" })
}

const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

/** What axe finds wrong with a page, a line each. */
export async function faultsOfAccess(page: Page): Promise<string[]> {
  // The console has no frames: what axe finds need not be put together in a page of its own, which takes half of the time.
  const axe = new AxeBuilder({ page }).options({ resultTypes: ["violations"] }).withTags(rules)
  const { violations } = await axe.setLegacyMode(true).analyze()
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}

/** By how many pixels a page is wider than its window. */
export function tooWidePx(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
}

export type { Browser, Page }
