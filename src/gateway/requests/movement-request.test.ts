import { expect, test } from "vitest"
import { toMovement } from "./movement-request.ts"

test.each(["fact", "sku", "locationId", "toLocationId"])(
  "a row with a control character in %s is refused alone",
  (name) => {
    const row = { fact: "f", kind: "transfer", sku: "TEE-M", locationId: "dc", toLocationId: "store", milli: 1000 }
    expect(toMovement(row, "erp")).toHaveProperty("movement")
    expect(toMovement({ ...row, [name]: "a\tb" }, "erp")).toMatchObject({ problems: [{ pointer: `/${name}` }] })
  },
)
