import { randomBytes, scrypt, timingSafeEqual } from "node:crypto"

// OWASP, "Password Storage Cheat Sheet": scrypt with N = 2^17, r = 8, p = 1 (128 MB a check, about 0.4 s). Parameters are kept
// with each hash, so that they can be raised later.
const cost = { N: 2 ** 17, r: 8, p: 1 }
const hashBytes = 32

/** A password as it is stored. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, { ...cost, salt })
  return ["scrypt", cost.N, cost.r, cost.p, salt.toString("base64"), hash.toString("base64")].join("$")
}

/** Whether a password is the stored one. Takes as long when there is none, so that time does not tell who exists. */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [kind, N, r, p, salt = "", hash = ""] = (stored ?? nobody).split("$")
  const given = await derive(password, { N: Number(N), r: Number(r), p: Number(p), salt: Buffer.from(salt, "base64") })
  const known = Buffer.from(hash, "base64")
  return timingSafeEqual(given, known) && stored !== undefined && kind === "scrypt"
}

const nobody = ["scrypt", cost.N, cost.r, cost.p, "", Buffer.alloc(hashBytes).toString("base64")].join("$")

interface Cost {
  N: number
  r: number
  p: number
  salt: Buffer
}

function derive(password: string, { salt, ...how }: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    // NFKC: one password, whichever keyboard composed its letters.
    scrypt(password.normalize("NFKC"), salt, hashBytes, { ...how, maxmem: 256 * how.N * how.r }, (error, hash) =>
      error ? reject(error) : resolve(hash),
    ),
  )
}
