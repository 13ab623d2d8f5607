import type { Hop, Page } from "../../api/answers.ts"
import type { Effect } from "../../api/system-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { hopText } from "../../format/waits.ts"
import { Dialog } from "../../parts/dialog.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { en } from "../../texts/en.ts"
import { DeliverySection, Marked } from "../exceptions/delivery.tsx"

const t = en.payloads

/** What stands behind an entry of an object's way: the delivery that told it, or the call that was made. */
export function HopPayload({ hop, onClose }: { hop: Hop; onClose: () => void }) {
  return (
    <Dialog title={hopText(hop.what)} onClose={onClose} isWide>
      {hop.delivery !== undefined ? <DeliverySection id={String(hop.delivery)} /> : <Call hop={hop} />}
    </Dialog>
  )
}

function Call({ hop }: { hop: Hop }) {
  const filter = new URLSearchParams({ key: hop.object, connection: hop.system, limit: "200" })
  const reading = useApi<Page<Effect>>(`/v1/effects?${filter}`)
  const nameOf = ({ kind, step }: Effect) => (kind === "undo" ? `undo: ${step}` : step)
  return (
    <Loaded reading={reading} lines={8}>
      {({ items }) => {
        const call = items.find((one) => nameOf(one) === hop.what)
        if (!call) return <p className="dim">{t.gone}</p>
        const { input, outcome, reference, error, history, operation, businessKey } = call
        return (
          <Section title={t.call(operation, businessKey)}>
            <div className="side-by-side">
              <Marked title={t.asked} text={linesOf(input)} none={t.nothingAsked} />
              <Marked title={t.became} text={linesOf({ outcome, reference, error, history })} none="" />
            </div>
            {isDigest(input) && <p className="dim">{t.digest}</p>}
          </Section>
        )
      }}
    </Loaded>
  )
}

const isDigest = (input: unknown) =>
  typeof input === "object" && input !== null && "digest" in input && "length" in input

const linesMax = 3000

function linesOf(value: unknown) {
  const lines = value === undefined ? [] : JSON.stringify(value, undefined, 2).split("\n")
  return { lines: lines.slice(0, linesMax), marks: [], left: Math.max(0, lines.length - linesMax) }
}
