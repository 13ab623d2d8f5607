import { AppError, asAppError, errorCatalogue } from "../base/errors.ts"
import { sleep } from "../base/time.ts"
import { checkDatabase } from "./doctor/database.ts"
import { checkDisk, checkMemory, checkNode, checkPorts, checkPrograms, checkSteadyClock } from "./doctor/machine.ts"
import type { DoctorOptions, Finding, NamedProbe } from "./doctor/finding.ts"

/**
 * Checks everything Crossdock needs and says what to do about each problem. It changes nothing and never throws: a
 * check that fails is itself a finding. Correct the findings in their order.
 */
export async function runDoctor(options: DoctorOptions): Promise<Finding[]> {
  const checks: [string, () => Finding[] | Promise<Finding[]>][] = [
    ["node", () => [checkNode()]],
    ["programs", () => checkPrograms(options)],
    ["disk", () => [checkDisk(options.dataFolder)]],
    ["memory", () => [checkMemory()]],
    ["ports", () => checkPorts(options)],
    ["configuration", () => checkConfiguration(options)],
    ["Crossdock", async () => [...((await options.findProblemsAtWork?.()) ?? [])]],
    ["clock", async () => [await checkSteadyClock()]],
    ["PostgreSQL", () => checkDatabase(options)],
    ...(options.connections ?? []).map((probe): [string, () => Promise<Finding[]>] => [
      `connection ${probe.name}`,
      () => checkConnection(probe),
    ]),
  ]
  const timeoutMs = options.timeoutMs ?? 10_000
  const findings = await Promise.all(checks.map(([check, run]) => guarded({ check, run, timeoutMs })))
  return findings.flat()
}

interface Guarded {
  check: string
  run: () => Finding[] | Promise<Finding[]>
  timeoutMs: number
}

async function guarded({ check, run, timeoutMs }: Guarded): Promise<Finding[]> {
  const isOver = new AbortController()
  const timeout = sleep(timeoutMs, isOver.signal).then(() => {
    throw new AppError("VENDOR_UNAVAILABLE", `no result after ${timeoutMs} ms`)
  })
  try {
    return await Promise.race([Promise.resolve().then(run), timeout])
  } catch (thrown) {
    const error = asAppError(thrown)
    return [{ check, status: "fail", found: error.message, remedy: errorCatalogue[error.code].hint }]
  } finally {
    timeout.catch(() => undefined)
    isOver.abort()
  }
}

async function checkConfiguration(options: DoctorOptions): Promise<Finding[]> {
  const problems = (await options.findConfigurationProblems?.()) ?? []
  const check = "configuration"
  const file = options.configurationFile ?? "crossdock.config.ts"
  if (problems.length === 0) return [{ check, status: "ok", found: `no problems in ${file}` }]
  return problems.map((problem) => ({
    check,
    status: "fail",
    found: `${problem.pointer}: ${problem.message}`,
    remedy: `Correct ${file} and start again.`,
  }))
}

async function checkConnection(probe: NamedProbe): Promise<Finding[]> {
  return [{ check: `connection ${probe.name}`, ...(await probe.run()) }]
}
