import { expect, it } from "vitest"
import { articleCandidates } from "./article-candidates.ts"

const known = ["TEE-M-RED", "TEE-L-RED", "MUG-0042", "CAP"]

it("P-34: the candidates for an unknown article are those that look like it, best first", () => {
  expect(articleCandidates("tee m red", known)).toEqual(["TEE-M-RED", "TEE-L-RED"])
  expect(articleCandidates("MUG-42", known)).toEqual(["MUG-0042"])
})

it("P-34: what looks like nothing has no candidates", () => {
  expect(articleCandidates("4006381333931", known)).toEqual([])
  expect(articleCandidates("", known)).toEqual([])
})
