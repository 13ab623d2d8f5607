import { afterAll, describe, expect, test } from "vitest"
import type { Fault, LawSubject } from "../src/ports/law-subject.ts"
import { writeLaws, type Law } from "../src/ports/laws.ts"
import { startFraudBench, startWarehouseBench } from "./laws/house-subjects.ts"
import { startSapBench } from "./laws/sap-subjects.ts"
import { startShopifyBench } from "./laws/shopify-subjects.ts"
import { startSmtpBench } from "./laws/smtp-subjects.ts"
import { startStripeBench, stripeSubjects } from "./laws/stripe-subjects.ts"
import { verdictTable, type Verdict } from "./laws/verdicts.ts"

const stripeBench = await startStripeBench()
const benches = [
  await startShopifyBench(),
  await startSapBench(),
  await startWarehouseBench(),
  await startFraudBench(),
  await startSmtpBench(),
]
const subjects: LawSubject[] = [...stripeSubjects(stripeBench), ...benches.flatMap((bench) => bench.subjects)]
const verdicts: Verdict[] = []

afterAll(async () => {
  await Promise.all([stripeBench.stop(), ...benches.map((bench) => bench.stop())])
  console.log(verdictTable(verdicts))
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
