import { readdirSync } from "node:fs"
import { afterAll, describe, expect, test } from "vitest"
import type { Fault, LawSubject } from "../src/ports/law-subject.ts"
import { writeLaws, type Law } from "../src/ports/laws.ts"
import { startBenches } from "./laws/benches.ts"
import { verdictTable, type Verdict } from "./laws/verdicts.ts"

const benches = await startBenches()
const subjects: LawSubject[] = benches.flatMap((bench) => bench.subjects)
const verdicts: Verdict[] = []

afterAll(async () => {
  await Promise.all(benches.map((bench) => bench.stop()))
  console.log(verdictTable(verdicts))
})

// The tax service is only asked, a catalogue and tills of Square are only heard: nothing is written there.
const withoutBench = ["tax-http", "catalogue-http", "square"]

test("every connector is held to the laws", () => {
  const folders = readdirSync("src/connectors").filter((name) => !withoutBench.includes(name))
  expect(folders.filter((folder) => !subjects.some(({ name }) => name.startsWith(`${folder} `)))).toEqual([])
})

for (const subject of subjects)
  describe(`${subject.name}`, () => {
    for (const law of writeLaws) for (const fault of law.faults) judge(subject, law, fault)
  })

function judge(subject: LawSubject, law: Law, fault: Fault): void {
  test(`${law.name} (${fault})`, async () => {
    const verdict: Verdict = { subject: subject.name, law: law.name, fault, outcome: "broken" }
    verdicts.push(verdict)
    const heal = () => subject.strike("none", "everywhere")
    verdict.outcome = (await law.hold(subject, fault).finally(heal)) ?? "kept"
    expect(verdict.outcome).not.toBe("broken")
  })
}
