import { fraudToken, fraudWebhookSecret, startFraud } from "../../../lab/fraud/fraud.ts"
import { createLog } from "../../../src/base/log.ts"
import { systemClock } from "../../../src/base/time.ts"
import { fraudHttp } from "../../../src/connectors/fraud-http/connector.ts"
import { intentOf, type LawSubject } from "../../../src/ports/law-subject.ts"
import { sampleOrder } from "../sample-order.ts"
import type { LawBench } from "../benches.ts"
import { striker } from "../strike.ts"

const log = createLog("laws", "silent")
const deadUrl = "http://127.0.0.1:9"

let count = 0
const next = () => (count += 1)

export function connectFraud(baseUrl: string) {
  return fraudHttp.connect(
    { baseUrl, token: fraudToken, webhookSecrets: [fraudWebhookSecret], allowPrivateNetwork: true, timeoutMs: 5_000 },
    { connectionId: "fraud", clock: systemClock, log },
  )
}

export async function startBench(): Promise<LawBench> {
  const simulator = await startFraud({ seed: 7, reviewMs: null })
  const connected = connectFraud(simulator.url)
  const dead = connectFraud(deadUrl)
  const make = ({ screensFraud }: ReturnType<typeof connectFraud>, sku = "LAW-1") => {
    const order = sampleOrder({ number: next(), skus: [sku] })
    return intentOf(screensFraud.screenOrder, {
      input: { order },
      key: `law_scr_${order.externalId}`,
      // The simulator's books hold exactly these rows (lab/fraud/fraud.ts).
      count: () =>
        (simulator.books()["screenings"] as { reference: string }[]).filter(({ reference }) => reference === order.id)
          .length,
    })
  }
  const subject: LawSubject = {
    name: "fraud-http screensFraud.screenOrder",
    make: async () => make(connected),
    refused: async () => make(connected, "x".repeat(600)),
    unreachable: async () => make(dead),
    strike: striker(simulator, ["screen"]),
  }
  return {
    subjects: [subject],
    stop: async () => {
      connected.close()
      dead.close()
      await simulator.stop()
    },
  }
}
