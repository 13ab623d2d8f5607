import { randomInt } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"

/** Named ports of one engine, e.g. `{ ingress: 8080, admin: 9070 }`. */
export type Ports<Name extends string> = Record<Name, number>

/** Whether no program listens on this port of 127.0.0.1 (nor on all addresses). */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once("error", () => resolve(false))
    probe.listen({ port, host: "127.0.0.1" }, () => probe.close(() => resolve(true)))
  })
}

/**
 * The preferred port, one of the nine after it, or any free one between 20000 and 30000.
 * Stays below the system's ephemeral range: there an outgoing connection could take the port while its server restarts.
 */
export async function freePort(preferred: number, taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let port = preferred; port < preferred + 10; port++)
    if (!taken.has(port) && (await isPortFree(port))) return port
  for (;;) {
    const port = randomInt(20_000, 30_000)
    if (!taken.has(port) && (await isPortFree(port))) return port
  }
}

/** Chooses ports: those remembered in the file when they are free, else the preferred ones or free ones next to them. */
export async function choosePorts<Name extends string>(
  file: string,
  wished: Ports<Name>,
  isOrphanAlive: boolean,
): Promise<{ ports: Ports<Name>; moved: string[] }> {
  const remembered = readPorts(file, wished)
  const taken = new Set<number>()
  const moved: string[] = []
  const ports = { ...wished }
  for (const name of Object.keys(wished) as Name[]) {
    // A server that survived its Crossdock still uses its port. It is stopped before the port is needed.
    const port = isOrphanAlive ? remembered[name] : await freePort(remembered[name], taken)
    taken.add(port)
    ports[name] = port
    if (port !== wished[name]) moved.push(`${name} on port ${port}, because ${wished[name]} was taken`)
  }
  writeFileSync(file, JSON.stringify(ports))
  return { ports, moved }
}

/** Reads the ports of an earlier start; the preferred ones where the file has no usable entry. */
export function readPorts<Name extends string>(file: string, wished: Ports<Name>): Ports<Name> {
  const ports = { ...wished }
  try {
    const stored: unknown = JSON.parse(readFileSync(file, "utf8"))
    if (typeof stored !== "object" || stored === null) return ports
    for (const [name, port] of Object.entries(stored))
      if (name in ports && Number.isInteger(port)) ports[name as Name] = Number(port)
  } catch {
    // This is the first start, or a crash cut the file short. Use the preferred ports.
  }
  return ports
}
