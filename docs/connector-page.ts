import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { createLog } from "../src/base/log.ts"
import { systemClock } from "../src/base/time.ts"
import type { Connected, Connector } from "../src/ports/connector.ts"
import { sampleValue, type SchemaNode } from "./sample-value.ts"
import { fieldRows, table, type Row } from "./markdown.ts"

/** Every connector below src/connectors, by name. One that does not load is a failure; a folder without one is passed over. */
async function loadConnectors(root: string): Promise<Connector[]> {
  const folder = join(root, "src/connectors")
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name, "connector.ts"))
    .filter((path) => existsSync(path))
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(file).href) as Promise<object>))
  const connectors = modules.flatMap((module) => Object.values(module).filter(isConnector))
  return connectors.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function isConnector(value: unknown): value is Connector {
  return typeof value === "object" && value !== null && "connect" in value && "connection" in value && "rate" in value
}

/** What a connector can do, found out by connecting it to nothing: no call is made before somebody asks for one. */
function capabilitiesOf(connector: Connector): string[] {
  const settings = sampleValue(connector.connection as SchemaNode)
  const context = { connectionId: "sample", clock: systemClock, log: createLog("docs", "silent") }
  const connected: Connected = connector.connect(settings as never, context)
  connected.close()
  return Object.keys(connected).filter((name) => name !== "check" && name !== "close")
}

/** docs/reference/connectors.md */
export async function connectorPage(root: string): Promise<string> {
  const connectors = await loadConnectors(root)
  const can = new Map(connectors.map((connector) => [connector.name, capabilitiesOf(connector)]))
  const capabilities = [...new Set([...can.values()].flat())].sort()
  const matrix = capabilities.map((capability): Row => [
    `\`${capability}\``,
    ...connectors.map(({ name }) => (can.get(name)?.includes(capability) ? "yes" : "")),
  ])
  return `# Connectors

What each connector can do, read from what its \`connect\` returns. A route to a capability that is not there stops the start.
What a capability promises stands in \`src/ports/capabilities\`; the laws every connector keeps in \`src/ports/laws.ts\`
(writes) and \`src/ports/delivery-laws.ts\` (what comes in).

${table(["capability", ...connectors.map(({ name }) => `[${name}](#${name})`)], matrix)}

${connectors.map((connector) => connectorSection(connector)).join("\n\n")}
`
}

function connectorSection({ name, apiVersion, apiDocs, rate, timeoutMs, connection }: Connector): string {
  const pace = [
    `${rate.concurrencyMax} calls at once`,
    ...(rate.perSecond === undefined ? [] : [`${rate.perSecond} a second`]),
    ...(rate.burst === undefined ? [] : [`bursts of ${rate.burst}`]),
  ].join(", ")
  const where = apiDocs.startsWith("docs/reference/") ? apiDocs.slice("docs/reference/".length) : apiDocs
  return `## ${name}

Written for version ${apiVersion}: <${where}>. Pace: ${pace}; one call takes at most ${timeoutMs / 1000} s.

${table(["setting", "what it is", "form"], fieldRows(connection as SchemaNode))}`
}
