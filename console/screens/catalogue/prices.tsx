import { useState } from "react"
import { apiPath } from "../../api/client.ts"
import type { Page as Items } from "../../api/answers.ts"
import type { PriceEdge, PriceRow } from "../../api/catalogue-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { Amount, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { placeText } from "./texts-of.ts"

const t = en.prices
const dayMs = 86_400_000

const edge = (at: string | undefined) =>
  at === undefined ? <span className="dim">{t.always}</span> : <When at={at} isShort />

const columns: readonly Column<PriceRow>[] = [
  { head: t.type, cell: ({ type }) => <strong>{type}</strong>, onCard: "title" },
  { head: t.amount, cell: ({ amount }) => <Amount money={amount} />, isNumber: true, onCard: "aside" },
  { head: t.tax, cell: ({ taxBasis }) => taxBasis },
  { head: en.catalogue.where, cell: ({ scope }) => placeText(scope), isWide: true },
  { head: t.from, cell: ({ validity }) => edge(validity.from) },
  { head: t.until, cell: ({ validity }) => edge(validity.until) },
  { head: en.catalogue.by, cell: ({ source }) => source },
  {
    head: en.catalogue.rule,
    cell: ({ rule, layer, validity }) => (layer === "override" ? en.catalogue.override(validity.until ?? "") : rule),
  },
]

/** The prices of an article, each with who said it. */
export function PricesOf({ sku }: { sku: string }) {
  const reading = useApi<Items<PriceRow>>(apiPath("/v1/prices", { sku }))
  return (
    <Section title={t.title}>
      <Loaded reading={reading} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">{t.none}</p>
          ) : (
            <List name={t.ofSku} rows={items} columns={columns} keyOf={({ source, record }) => `${source} ${record}`} />
          )
        }
      </Loaded>
    </Section>
  )
}

const edgeColumns: readonly Column<PriceEdge>[] = [
  { head: t.when, cell: ({ at }) => <When at={at} /> },
  { head: en.catalogue.sku, cell: ({ sku }) => <Link to={paths.product(sku)}>{sku}</Link>, onCard: "title" },
  {
    head: t.what,
    cell: ({ edge: what, price }) => `${price.type} ${what === "begins" ? t.begins : t.ends}`,
    onCard: "text",
  },
  { head: t.amount, cell: ({ price }) => <Amount money={price.amount} />, isNumber: true, onCard: "aside" },
  { head: en.catalogue.where, cell: ({ price }) => placeText(price.scope), isWide: true },
  { head: en.catalogue.by, cell: ({ price }) => price.source },
]

/** The calendar: which prices begin and end, day by day. */
export function PricesScreen() {
  // Asked once: a moment that moves with every look would be another question each time.
  const [from] = useState(() => Date.now())
  const at = (days: number) => new Date(from + days * dayMs).toISOString()
  const reading = useApi<Items<PriceEdge>>(apiPath("/v1/price-calendar", { from: at(0), until: at(30) }))
  return (
    <Page title={t.title} reading={reading}>
      <Section title={t.calendar}>
        <Loaded reading={reading} lines={6}>
          {({ items }) => <Days edges={items} />}
        </Loaded>
      </Section>
      <p>
        <Link to={paths.catalogue()}>{en.catalogue.title}</Link>
      </p>
    </Page>
  )
}

function Days({ edges }: { edges: readonly PriceEdge[] }) {
  if (edges.length === 0) return <p className="dim">{t.nothingChanges}</p>
  const days = Map.groupBy(edges, ({ at }) =>
    new Date(at).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short" }),
  )
  return [...days].map(([day, of]) => (
    <section key={day}>
      <h3 className="sub">{day}</h3>
      <List
        name={day}
        rows={of}
        columns={edgeColumns}
        keyOf={({ at, edge: what, price }) => `${at} ${what} ${price.source} ${price.record}`}
      />
    </section>
  ))
}
