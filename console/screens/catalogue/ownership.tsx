import type { Page as Items } from "../../api/answers.ts"
import type { HeldChange, OwnershipRule } from "../../api/catalogue-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.ownership

const ruleColumns: readonly Column<OwnershipRule>[] = [
  { head: t.field, cell: ({ name }) => <strong>{name}</strong>, isWide: true, onCard: "title" },
  { head: t.owner, cell: ({ owner }) => owner, onCard: "aside" },
  { head: t.to, cell: ({ to = [] }) => to.join(", ") || <span className="dim">{t.nowhere}</span> },
  { head: t.foreign, cell: ({ foreign = "hold" }) => t.foreignWords[foreign] ?? foreign },
  { head: t.fresh, cell: ({ fresh }) => fresh ?? "–" },
  {
    head: t.override,
    cell: ({ override: of }) => (
      <span className="wraps">{of ? t.overrideText(of.by, of.within ?? "", of.until) : "–"}</span>
    ),
  },
]

const heldColumns: readonly Column<HeldChange>[] = [
  {
    head: en.catalogue.sku,
    cell: ({ sku }) => (sku === undefined ? "–" : <Link to={paths.product(sku)}>{sku}</Link>),
    onCard: "title",
  },
  { head: t.why, cell: ({ why }) => why, isWide: true, onCard: "text" },
  { head: t.written, cell: ({ by }) => by },
  { head: en.catalogue.rule, cell: ({ rule }) => rule },
  { head: en.catalogue.since, cell: ({ at }) => <When at={at} />, onCard: "aside" },
  { head: t.open, cell: ({ exceptionId }) => <Link to={paths.exception(exceptionId)}>{t.open}</Link> },
]

/** Who owns which field, and what others wrote that waits for a person. */
export function OwnershipScreen() {
  const rules = useApi<{ version: string; items: OwnershipRule[] }>("/v1/ownership")
  const held = useApi<Items<HeldChange>>("/v1/held-changes")
  return (
    <Page title={t.title} reading={rules}>
      <Section title={t.held}>
        <Loaded reading={held} lines={2}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="dim">{t.noneHeld}</p>
            ) : (
              <List name={t.held} rows={items} columns={heldColumns} keyOf={({ exceptionId }) => exceptionId} />
            )
          }
        </Loaded>
      </Section>
      <Section title={t.rules}>
        <Loaded reading={rules} lines={6}>
          {({ items, version }) =>
            items.length === 0 ? (
              <p className="dim">{t.none}</p>
            ) : (
              <>
                <List name={t.rules} rows={items} columns={ruleColumns} keyOf={({ name }) => name} />
                <p className="dim">{t.version(version)}</p>
              </>
            )
          }
        </Loaded>
      </Section>
    </Page>
  )
}
