import { answerJson, createHttpClient, type HttpAnswer } from "../../base/http.ts"
import type { DoctorOptions, Finding } from "./finding.ts"
import { embeddedRestateUrls } from "../restate.ts"

/** Reachability and version of Restate. */
export async function checkRestate(options: DoctorOptions): Promise<Finding[]> {
  const isEmbedded = options.restateIngressUrl === undefined
  const embedded = embeddedRestateUrls(options.dataFolder)
  const ingress = await ask(options.restateIngressUrl ?? embedded.ingressUrl, "/restate/health")
  const admin = await ask(options.restateAdminUrl ?? embedded.adminUrl, "/version")
  return [
    describeHealth("Restate ingress", ingress, isEmbedded),
    admin?.status === 200 ? describeVersion(admin) : describeHealth("Restate admin", admin, isEmbedded),
  ]
}

async function ask(baseUrl: string, path: string): Promise<HttpAnswer | undefined> {
  const client = createHttpClient({ baseUrl, timeoutMs: 3000, keepAlive: false, allowPrivateNetwork: true })
  try {
    return await client.send({ method: "GET", path })
  } catch {
    return undefined
  } finally {
    client.close()
  }
}

function describeHealth(check: string, answer: HttpAnswer | undefined, isEmbedded: boolean): Finding {
  if (answer?.status === 200) return { check, status: "ok", found: "answers" }
  const found = answer ? `answers ${answer.status}` : "does not answer"
  if (!isEmbedded)
    return {
      check,
      status: "fail",
      found,
      remedy: "Check RESTATE_INGRESS_URL and RESTATE_ADMIN_URL, and that Restate runs.",
    }
  const remedy =
    "Start Crossdock by `npm start`; it starts Restate too. If it runs, read restate.log in the data folder."
  return { check, status: "warn", found, remedy }
}

function describeVersion(answer: HttpAnswer): Finding {
  const body = answerJson(answer)
  const version = typeof body === "object" && body !== null && "version" in body ? String(body.version) : "unknown"
  const [major = 0, minor = 0] = version.split(".").map(Number)
  const check = "Restate version"
  if (major > 1 || (major === 1 && minor >= 7)) return { check, status: "ok", found: version }
  return { check, status: "fail", found: version, remedy: "Use Restate 1.7 or newer." }
}
