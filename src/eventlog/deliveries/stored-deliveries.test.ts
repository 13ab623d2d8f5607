import { randomBytes } from "node:crypto"
import { zstdDecompressSync } from "node:zlib"
import { expect, test } from "vitest"
import { packedTogether } from "./stored-deliveries.ts"

test.each([0, 1, 262_144, 262_145, 3_000_000])("deliveries of %d bytes come back byte for byte", async (length) => {
  const parts = [randomBytes(length), Buffer.from("{}")]
  const packed = await packedTogether(parts)
  expect(zstdDecompressSync(packed).equals(Buffer.concat(parts))).toBe(true)
})
