import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { runCommand, whyItFailed, type Skip } from "../machine/processes.ts"
import type { ScratchPostgres } from "../machine/scratch-postgres.ts"

/** What the seeded books contain, by the ids Tryton gave. */
export type TrytonBooks = {
  companyId: number
  warehouseId: number
  storageId: number
  unitId: number
  paymentTermId: number
  paymentMethodId: number
  taxId: number
  taxedCategoryId: number
  accounts: Record<
    "receivable" | "payable" | "revenue" | "expense" | "cash" | "tax" | "stock" | "stock_expense",
    number
  >
  customers: { party: number; address: number }[]
  /** Product code (SKU-000 … SKU-019, SHIPPING, DISCOUNT) to product id. */
  products: Record<string, number>
}

export const TRYTON_LOGIN = { user: "admin", password: "admin" } as const

const MODULES =
  "sale stock account_invoice account_invoice_stock product party purchase stock_supply stock_lot " +
  "account_stock_continental product_price_list sale_price_list account_statement sale_payment"

const PACKAGES = [
  "tryton-server",
  "tryton-proteus",
  "python3-psycopg2",
  "uwsgi-plugin-python3",
  ...MODULES.split(" ").map((module) => `tryton-modules-${module.replaceAll("_", "-")}`),
]

const SEED_SCRIPT = fileURLToPath(new URL("tryton-seed.py", import.meta.url))

/** Debian's own interpreter: another `python3` on the path does not see Debian's modules. */
export const DEBIAN_PYTHON = "/usr/bin/python3"

/** Makes sure that Debian's Tryton 6.0 packages are there; installs them when this is root's machine to change. */
export async function installTrytonPackages(): Promise<Skip | undefined> {
  if (!existsSync("/usr/bin/apt-get")) return { skipped: "Tryton comes from Debian packages and apt-get is not here" }
  const missing = await missingPackages()
  if (missing.length === 0) return undefined
  if (process.getuid?.() !== 0) {
    return { skipped: `not root, and these Debian packages are missing: ${missing.join(" ")}` }
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  const install = (): ReturnType<typeof runCommand> =>
    runCommand("/usr/bin/apt-get", ["install", "-y", "-q", "--no-install-recommends", ...missing], {
      env,
      timeoutMs: 300_000,
    })
  let installed = await install()
  if (installed.code !== 0) {
    // A fresh image has no package lists, or old ones that name files which are gone.
    await runCommand("/usr/bin/apt-get", ["update", "-q"], { env, timeoutMs: 120_000 })
    installed = await install()
  }
  return installed.code === 0 ? undefined : { skipped: `apt-get could not install Tryton: ${whyItFailed(installed)}` }
}

async function missingPackages(): Promise<string[]> {
  const asked = await runCommand("/usr/bin/dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n", ...PACKAGES], {
    timeoutMs: 20_000,
  })
  const installed = new Set(asked.output.split("\n").flatMap((line) => (/^(\S+) installed$/.exec(line) ?? [])[1] ?? []))
  return PACKAGES.filter((name) => !installed.has(name))
}

/** Writes the settings file trytond needs; the session timeout is Tryton's own default unless given. */
export function writeTrytonSettings(
  file: string,
  options: { postgres: ScratchPostgres; port: number; sessionTimeoutSeconds?: number },
): string {
  const { host, port, user, password } = options.postgres
  const lines = [
    "[database]",
    `uri = postgresql://${user}:${password}@${host}:${port}/`,
    `path = ${path.join(path.dirname(file), "attachments")}`,
    "[web]",
    `listen = 127.0.0.1:${options.port}`,
    "[session]",
    `timeout = ${options.sessionTimeoutSeconds ?? 300}`,
  ]
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 })
  return file
}

/**
 * Answers the name of a database with Tryton's modules and the seed in it, made on the first call (about a minute).
 *
 * The name changes with the seed script, the modules and the year, so a stale template is never used.
 */
export async function seededTemplate(
  scratch: string,
  postgres: ScratchPostgres,
): Promise<Skip | { template: string; books: TrytonBooks }> {
  const folder = path.join(scratch, "tryton")
  mkdirSync(folder, { recursive: true })
  const recipe = `${readFileSync(SEED_SCRIPT, "utf8")}${MODULES}${new Date().getUTCFullYear()}`
  const template = `tryton_seed_${createHash("sha256").update(recipe).digest("hex").slice(0, 12)}`
  const booksFile = path.join(folder, `${template}.json`)
  if (!existsSync(booksFile) || !(await postgres.hasDatabase(template))) {
    const building = `building_${template}`
    await postgres.dropDatabase(template)
    await postgres.dropDatabase(building)
    await postgres.createDatabase(building)
    const seeded = await fillDatabase(folder, building, postgres)
    if (typeof seeded !== "string") return seeded
    writeFileSync(booksFile, seeded)
    await postgres.renameDatabase(building, template)
  }
  // The cast: this file was printed by the seed script, which builds exactly this object.
  return { template, books: JSON.parse(readFileSync(booksFile, "utf8")) as TrytonBooks }
}

async function fillDatabase(folder: string, database: string, postgres: ScratchPostgres): Promise<Skip | string> {
  const settings = writeTrytonSettings(path.join(folder, "seed.conf"), { postgres, port: 0 })
  const passwordFile = path.join(folder, "admin-password")
  writeFileSync(passwordFile, TRYTON_LOGIN.password, { mode: 0o600 })
  const env = { ...process.env, TRYTONPASSFILE: passwordFile }
  const admin = ["/usr/bin/trytond-admin", "-c", settings, "-d", database, "--email", ""]
  const steps = [
    [...admin, "--all"],
    [...admin, "-u", ...MODULES.split(" "), "--activate-dependencies"],
    [SEED_SCRIPT, settings, database],
  ]
  let output = ""
  for (const step of steps) {
    const done = await runCommand(DEBIAN_PYTHON, step, { env, cwd: folder, timeoutMs: 300_000 })
    if (done.code !== 0) return { skipped: `Tryton's database could not be filled: ${whyItFailed(done)}` }
    output = done.output
  }
  const books = output.split("\n").find((line) => line.startsWith("{"))
  return books ?? { skipped: "Tryton's seed script did not say what it made" }
}
