import { startMail } from "../../../lab/mail/mail.ts"
import { createLog } from "../../../src/base/log.ts"
import { systemClock } from "../../../src/base/time.ts"
import { smtp } from "../../../src/connectors/smtp/connector.ts"
import { intentOf, type LawSubject } from "../../../src/ports/law-subject.ts"
import { sampleOrder } from "../sample-order.ts"
import type { LawBench } from "../benches.ts"
import { striker } from "../strike.ts"

let count = 0

function connectSmtp(port: number) {
  return smtp.connect(
    {
      host: "127.0.0.1",
      port,
      tls: "none",
      from: "Law Books <orders@shop.example>",
      shopName: "Law Books",
      contact: "help@shop.example",
      messageIdDomain: "shop.example",
      allowPrivateNetwork: true,
      timeoutMs: 2_000,
    },
    { connectionId: "mail", clock: systemClock, log: createLog("laws", "silent") },
  )
}

export async function startBench(): Promise<LawBench> {
  const simulator = await startMail({ seed: 7 })
  const connected = connectSmtp(Number(new URL(simulator.smtpUrl).port))
  const dead = connectSmtp(9)
  const make = ({ notifiesCustomers }: ReturnType<typeof connectSmtp>, email = "ada@example.com") => {
    count += 1
    const key = `law_mail_${count}`
    return intentOf(notifiesCustomers.sendMessage, {
      input: { order: sampleOrder({ number: count, email }), kind: "order accepted" },
      key,
      // The simulator's books hold exactly these rows (lab/mail/mail-book.ts).
      count: () =>
        (simulator.books()["messages"] as { messageId: string; deliveries: number }[])
          .filter(({ messageId }) => messageId === `<${key}@shop.example>`)
          .reduce((sum, { deliveries }) => sum + deliveries, 0),
    })
  }
  const subject: LawSubject = {
    name: "smtp notifiesCustomers.sendMessage",
    make: async () => make(connected),
    refused: async () => make(connected, "ada+reject@example.com"),
    unreachable: async () => make(dead),
    cannotBeAsked: "SMTP has no look-up",
    repeatsShow: "a repeat is delivered again under the same Message-ID",
    // RFC 5321 §4.2.1: a 4yz reply says the mail was not taken. A server that keeps it all the same cannot be found out.
    cannotLose: { "commit then 5xx": "the protocol's own word for not taken" },
    strike: striker(simulator, ["message", "recipient"]),
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
