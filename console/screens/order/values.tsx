import { useState } from "react"
import type { Hop, Lineage, LineageValue } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { Choice } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { When } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"
import { HopPayload } from "./hop-payload.tsx"

const t = en.values

/** Each value of the order with who set it and when; a click shows the delivery that told it. */
export function ValuesSection({ orderId }: { orderId: string }) {
  const reading = useApi<Lineage>(`/v1/orders/${encodeURIComponent(orderId)}/lineage`)
  const [which, setWhich] = useState<"changed" | "all">("changed")
  const [behind, setBehind] = useState<Hop>()
  return (
    <Section
      title={t.title}
      aside={
        <Choice
          name={en.order.which}
          value={which}
          choices={Object.entries(t.whiches)}
          isAlwaysSet
          onChange={(value) => setWhich(value === "all" ? "all" : "changed")}
        />
      }
    >
      <Loaded reading={reading} lines={4}>
        {({ versions, values, isComplete }) => {
          const shown = values.filter(({ since }) => which === "all" || since > 0)
          const columns: readonly Column<LineageValue>[] = [
            {
              head: t.of,
              cell: ({ pointer }) => <span className="code">{nameOf(pointer)}</span>,
              isWide: true,
              onCard: "title",
            },
            { head: t.is, cell: ({ value }) => textOf(value), isWide: true, onCard: "text" },
            { head: t.was, cell: ({ before }) => (before === undefined ? "–" : textOf(before)) },
            { head: t.since, cell: ({ since }) => <When at={versions[since]?.at} isShort /> },
            {
              head: t.by,
              cell: ({ since }) => {
                const { source = "", event = "", delivery, heardAt = "" } = versions[since] ?? {}
                const text = t.setBy(source, event.replace("order.", ""))
                const hop = { object: `order/${orderId}`, at: heardAt, system: source, what: event, delivery }
                return delivery === undefined ? (
                  text
                ) : (
                  <button type="button" className="behind" title={en.payloads.open} onClick={() => setBehind(hop)}>
                    {text}
                  </button>
                )
              },
              isWide: true,
            },
          ]
          return shown.length === 0 ? (
            <p className="dim">{t.noneChanged}</p>
          ) : (
            <>
              <List name={t.title} rows={shown} columns={columns} keyOf={({ pointer }) => pointer} />
              {!isComplete && <p className="dim">{t.incomplete(versions.length)}</p>}
            </>
          )
        }}
      </Loaded>
      {behind && <HopPayload hop={behind} onClose={() => setBehind(undefined)} />}
    </Section>
  )
}

/** `/lines/0/quantity/milli` reads as `lines 1 quantity milli`. */
function nameOf(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? String(Number(part) + 1) : part.replaceAll("~1", "/").replaceAll("~0", "~")))
    .join(" ")
}

function textOf(value: LineageValue["value"]): string {
  return typeof value === "string" ? value : String(value)
}
