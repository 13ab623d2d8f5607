import { lookup as systemLookup } from "node:dns"
import { createRequire } from "node:module"
import { BlockList, isIP, type LookupFunction, type Socket } from "node:net"
import type { buildConnector } from "undici"

/** undici's connector also returns the socket it opens; its types do not say so. */
type Connect = (target: buildConnector.Options, done: buildConnector.Callback) => Socket

// Imported by path and with a cast, for the reasons given in http.ts.
const connectorOf = createRequire(import.meta.url)("undici/lib/core/connect.js") as (
  options: buildConnector.BuildOptions,
) => Connect

const privateNetworks = new BlockList()
// Loopback, private, link-local (cloud metadata), carrier NAT, benchmarks, multicast, reserved, and their IPv6 counterparts: RFC
// 6890 registry. A rule for IPv4 also holds for the same address inside ::ffff:0:0/96.
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  privateNetworks.addSubnet(network, prefix, "ipv4")
  // NAT64 (RFC 6052): the same network behind a translator.
  privateNetworks.addSubnet(`64:ff9b::${network}`, 96 + prefix, "ipv6")
}
for (const [network, prefix] of [
  ["::", 128],
  ["::1", 128],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const)
  privateNetworks.addSubnet(network, prefix, "ipv6")

/** Whether an IP address belongs to a private, loopback or link-local network; IPv4 inside IPv6 is unwrapped. */
export function isPrivateAddress(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped) return privateNetworks.check(mapped, "ipv4")
  return privateNetworks.check(address, isIP(address) === 6 ? "ipv6" : "ipv4")
}

/**
 * Resolves a name for a socket, and refuses names of private addresses (code EPRIVATE). The check is inside the socket's own
 * resolver, so the checked address is the address that is called, whatever the name resolves to a moment later.
 */
export const publicOnlyLookup: LookupFunction = (hostname, options, callback) => {
  systemLookup(hostname, options, (error, address, family) => {
    const addresses = Array.isArray(address) ? address.map((entry) => entry.address) : [address]
    if (!error && addresses.some(isPrivateAddress))
      return callback(Object.assign(new Error(`${hostname} is a private address`), { code: "EPRIVATE" }), "", 4)
    callback(error, address, family)
  })
}

/** Opens the sockets of one HTTP client and knows which of them are failing. */
export class Sockets {
  /** True while a socket reports its failure, so that undici does not take the failure for the end of a response. */
  isBreaking = false
  readonly #connecting = new Set<Socket>()
  readonly #connect: Connect

  constructor({ timeoutMs, allowPrivateNetwork }: { timeoutMs: number; allowPrivateNetwork?: boolean }) {
    // The type of the options requires a port; each connection sets its own.
    const options: Partial<buildConnector.BuildOptions> = {
      timeout: timeoutMs,
      allowH2: false,
      ...(allowPrivateNetwork ? {} : { lookup: publicOnlyLookup }),
    }
    this.#connect = connectorOf(options as buildConnector.BuildOptions)
  }

  readonly connect: Connect = (target, done) => {
    const socket = this.#connect(target, (...result) => {
      this.#connecting.delete(socket)
      done(...result)
    })
    this.#connecting.add(socket)
    // Runs before undici's own listener, which completes a response without a length when its connection is reset.
    socket.on("error", () => {
      this.isBreaking = true
      queueMicrotask(() => {
        this.isBreaking = false
      })
    })
    return socket
  }

  /** Destroys sockets that are still connecting; undici would wait for them. */
  close(): void {
    for (const socket of this.#connecting) socket.destroy()
    this.#connecting.clear()
  }
}
