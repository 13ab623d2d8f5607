import { afterAll, describe, expect, test } from "vitest"
import { createLog } from "../../src/base/log.ts"
import { systemClock } from "../../src/base/time.ts"
import { intentOf, type LawSubject } from "../../src/ports/law-subject.ts"
import { writeLaws } from "../../src/ports/laws.ts"
import { sampleOrder } from "../laws/sample-order.ts"
import { striker } from "../laws/strike.ts"
import { acmeText } from "./acme-text/connector.ts"
import { startAcmeText, type AcmeMessage } from "./acme-text/simulator.ts"

// The connector of docs/guides/first-connector.md, held to every law like those in src.
const simulator = await startAcmeText(7)
const connect = (baseUrl: string) =>
  acmeText.connect(
    { baseUrl, apiKey: "key", allowPrivateNetwork: true },
    { connectionId: "texts", clock: systemClock, log: createLog("laws", "silent") },
  )
const here = connect(simulator.url)
const nowhere = connect("http://127.0.0.1:9")
afterAll(async () => {
  here.close()
  nowhere.close()
  await simulator.stop()
})

let count = 0
function make({ notifiesCustomers }: ReturnType<typeof connect>, phone = "+31100000000") {
  const order = sampleOrder({ number: (count += 1) })
  const key = `law_txt_${count}`
  return intentOf(notifiesCustomers.sendMessage, {
    input: { order: { ...order, customer: { ...order.customer, phone } }, kind: "shipped" },
    key,
    count: () => (simulator.books()["messages"] as AcmeMessage[]).filter(({ reference }) => reference === key).length,
  })
}

const subject: LawSubject = {
  name: "acme-text notifiesCustomers.sendMessage",
  make: async () => make(here),
  refused: async () => make(here, "not a number"),
  unreachable: async () => make(nowhere),
  strike: striker(simulator, ["sendMessage"]),
}

describe(`${subject.name}`, () => {
  for (const law of writeLaws)
    for (const fault of law.faults)
      test(`${law.name} (${fault})`, async () => {
        const heal = () => subject.strike("none", "everywhere")
        expect(await law.hold(subject, fault).finally(heal)).not.toBe("broken")
      })

  test("a connection that answers passes its check, one that does not is unavailable", async () => {
    await here.check()
    await expect(nowhere.check()).rejects.toMatchObject({ code: "VENDOR_UNAVAILABLE" })
  })
})
