import { asAppError } from "../../base/errors.ts"
import { durationText } from "../../base/time.ts"
import type { Finding } from "../../engines/doctor/finding.ts"
import { connectApi, type Api } from "../api.ts"
import type { ConnectionItem, ReaderItem } from "../connections/items.ts"
import type { Page } from "../with-api.ts"

/** Asks a running Crossdock how its work goes: background readers, breakers, pauses, and what waits for a person. */
export async function findProblemsAtWork(): Promise<Finding[]> {
  const check = "Crossdock"
  let api: Api
  try {
    api = connectApi()
  } catch (thrown) {
    const remedy = "Start it by `npm start`. What follows from a running Crossdock was not looked at."
    return [{ check, status: "warn", found: asAppError(thrown).message, remedy }]
  }
  try {
    const { items: connections } = await api.get<Page<ConnectionItem>>("/v1/connections")
    const { items: readers } = await api.get<Page<ReaderItem>>("/v1/readers")
    const { exceptionsOpen } = await api.get<{ exceptionsOpen: number }>("/v1/kpis")
    return [
      { check, status: "ok", found: `answers at ${api.baseUrl}` },
      ...connections.flatMap(connectionFinding),
      ...readerFindings(readers),
      exceptionFinding(exceptionsOpen),
    ]
  } catch (thrown) {
    const { kind, message } = asAppError(thrown)
    if (kind !== "unavailable")
      return [{ check, status: "fail", found: message, remedy: "Set CROSSDOCK_KEY to a key that may read operations." }]
    const remedy = "Start it by `npm start`, or set CROSSDOCK_URL. Its work was not looked at."
    return [{ check, status: "warn", found: `no gateway answers at ${api.baseUrl}`, remedy }]
  } finally {
    api.close()
  }
}

function connectionFinding({ id, isPaused, pausedBy, reason, breaker, lastError }: ConnectionItem): Finding[] {
  const check = `calls to ${id}`
  if (isPaused)
    return [
      {
        check,
        status: "warn",
        found: `paused by ${pausedBy ?? "somebody"}${reason ? `: ${reason}` : ""}; its work waits`,
        remedy: `Let them go on with \`crossdock connections resume ${id}\`.`,
      },
    ]
  if (breaker === "closed") return []
  return [
    {
      check,
      status: "fail",
      found: `the circuit breaker is ${breaker}: ${lastError ?? "the system does not answer"}`,
      remedy: "Make the system available, or correct its address and key. The breaker then closes by itself.",
    },
  ]
}

function readerFindings(readers: readonly ReaderItem[]): Finding[] {
  const remedy = "Start a process with the role worker (`crossdock start --roles worker`)."
  if (readers.length === 0) return [{ check: "worker", status: "fail", found: "no worker has ever run", remedy }]
  const late = readers.filter(({ state }) => state === "behind" || state === "refused")
  const timed = readers.filter(({ everyMs }) => everyMs > 0)
  const youngest = Math.min(...timed.map(({ ageMs }) => ageMs))
  if (timed.every((reader) => late.includes(reader)))
    return [{ check: "worker", status: "fail", found: `no worker has worked for ${durationText(youngest)}`, remedy }]
  const inTime = `${readers.length - late.length} of ${readers.length} are in time`
  return [
    { check: "background readers", status: "ok", found: inTime },
    ...late.map(lateFinding),
    ...readers.flatMap(turnedAwayFinding),
  ]
}

function turnedAwayFinding({ name, turnedAway = 0 }: ReaderItem): Finding[] {
  if (turnedAway === 0) return []
  const found = `${turnedAway} ${turnedAway === 1 ? "delivery was" : "deliveries were"} refused for the signature since the last genuine one`
  const remedy = "Anybody may send those. If genuine ones are missing, compare the secrets on both sides."
  return [{ check: name, status: "warn", found, remedy }]
}

function lateFinding({ name, state, ageMs, lastError }: ReaderItem): Finding {
  const isRefused = state === "refused"
  const found = `${isRefused ? "the key is refused" : `its last success was ${durationText(ageMs)} ago`}: ${lastError ?? "it reports no error"}`
  return {
    check: name,
    status: "fail",
    found,
    remedy: isRefused
      ? "Correct the key or the secret in that system, or in the settings of the connection."
      : "Correct what the error names. The exception about it (`crossdock exceptions`) closes by itself afterwards.",
  }
}

function exceptionFinding(count: number): Finding {
  const check = "exceptions"
  if (count === 0) return { check, status: "ok", found: "nothing waits for a person" }
  const found = `${count} ${count === 1 ? "exception waits" : "exceptions wait"} for a person`
  return { check, status: "warn", found, remedy: "Look at them with `crossdock exceptions`, and decide each." }
}
