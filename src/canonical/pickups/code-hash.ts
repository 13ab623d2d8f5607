import { scrypt } from "node:crypto"
import { promisify } from "node:util"

// 16 MB and about 30 ms each: who takes a store's disk tries all 29^6 codes of one pickup for half a year of a core, and they end in days.
const costs = { N: 16_384, r: 8, p: 1 } as const
const derive = promisify<string, string, number, typeof costs, Buffer>(scrypt)

/** The code that a buyer shows at a counter, as everybody writes it down: no spaces, no dashes, capitals. */
export function plainCode(code: string): string {
  return code.toUpperCase().replaceAll(/[\s-]/g, "")
}

/** By this a store knows a pickup's code again without having it. The same code of another pickup has another hash. */
export async function codeHash(pickupId: string, code: string): Promise<string> {
  const derived = await derive(plainCode(code), `pickup ${pickupId}`, 32, costs)
  return derived.toString("base64url")
}
