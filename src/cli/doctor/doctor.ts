import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { dataFolder, setting } from "../../base/config.ts"
import { asAppError } from "../../base/errors.ts"
import { createLog } from "../../base/log.ts"
import { sleep, systemClock } from "../../base/time.ts"
import { runDoctor } from "../../engines/doctor.ts"
import type { Finding, NamedProbe } from "../../engines/doctor/finding.ts"
import { embeddedDatabaseUrl } from "../../engines/postgres.ts"
import type { Estate } from "../../estate.ts"
import { configurationFile, findEstateProblems, loadEstate } from "../../main.ts"
import { findProblemsAtWork } from "./at-work.ts"

const migrationsFolder = fileURLToPath(new URL("../../../sql", import.meta.url))
const checkAgainAfterMs = 1500
const signs = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const

/** `crossdock doctor`: looks at versions, disk, ports, engines, configuration, clock and connections, and says what to do. */
export async function runDoctorCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: "boolean", default: false } } })
  const folder = dataFolder()
  const estate = await loadEstate().catch((error: unknown) => asAppError(error))
  const findings = await runDoctor({
    dataFolder: folder,
    migrationsFolder,
    databaseUrl: setting("DATABASE_URL") ?? embeddedDatabaseUrl(folder),
    gatewayPort: Number(setting("PORT") ?? 4400),
    configurationFile: configurationFile(),
    findConfigurationProblems: () =>
      Promise.resolve(
        estate instanceof Error ? [{ pointer: "/", message: estate.message }] : findEstateProblems(estate),
      ),
    findProblemsAtWork,
    connections: estate instanceof Error ? [] : connectionProbes(estate),
  })
  process.stdout.write(values.json ? `${JSON.stringify(findings)}\n` : `${findings.map(lineOf).join("\n")}\n`)
  return findings.some(({ status }) => status === "fail") ? 4 : 0
}

function lineOf({ check, status, found, remedy }: Finding): string {
  const line = `${signs[status]}  ${check.padEnd(24)} ${found}`
  return remedy === undefined ? line : `${line}\n      ${"".padEnd(24)} → ${remedy}`
}

function connectionProbes(estate: Estate): NamedProbe[] {
  return Object.entries(estate.connections).map(([name, { connector, settings }]) => ({
    name,
    run: async () => {
      const connected = connector.connect(settings as never, {
        connectionId: name,
        clock: systemClock,
        log: createLog("doctor", "silent"),
      })
      try {
        // One 503 or a rate that is used up says nothing yet; a refused key stays refused.
        await connected.check().catch(async (thrown: unknown) => {
          if (asAppError(thrown).code !== "VENDOR_UNAVAILABLE") throw thrown
          await sleep(checkAgainAfterMs)
          await connected.check()
        })
        return { status: "ok" as const, found: `${connector.name} ${connector.apiVersion} answers` }
      } finally {
        connected.close()
      }
    },
  }))
}
