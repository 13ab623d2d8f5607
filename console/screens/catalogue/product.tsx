import { apiPath } from "../../api/client.ts"
import type { Page as Items } from "../../api/answers.ts"
import type { Fact, Product, ProductValue } from "../../api/catalogue-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { When } from "../../parts/values.tsx"
import { usePart } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { CompleteWords } from "./catalogue.tsx"
import { PricesOf } from "./prices.tsx"
import { placeText, titleOf, valueText } from "./texts-of.ts"

const t = en.catalogue

const valueColumns: readonly Column<ProductValue>[] = [
  { head: t.field, cell: ({ field }) => <strong>{field}</strong>, onCard: "title" },
  { head: t.where, cell: ({ scope }) => placeText(scope), onCard: "aside" },
  { head: t.value, cell: ({ value }) => valueText(value), isWide: true, onCard: "text" },
  { head: t.by, cell: ({ by }) => by },
  { head: t.rule, cell: ({ rule, layer, until }) => (layer === "override" ? t.override(until ?? "") : rule) },
  { head: t.since, cell: ({ at }) => <When at={at} /> },
]

const factColumns: readonly Column<Fact>[] = [
  { head: t.value, cell: (fact) => factText(fact), isWide: true, onCard: "text" },
  { head: t.by, cell: ({ by }) => by, onCard: "title" },
  { head: t.rule, cell: ({ rule }) => rule },
  { head: t.since, cell: ({ time }) => <When at={time} />, onCard: "aside" },
]

function factText({ changes = [], from, to, event }: Fact): string {
  if (to !== undefined) return t.renamed(from ?? "", to)
  const words = changes.map(
    ({ field, scope, set, clear }) =>
      `${scope ? `${field} ${placeText(scope)}` : field}: ${clear ? t.cleared : valueText(set)}`,
  )
  return words.join("; ") || event
}

/** One product: what it is and who said so, where it is complete, what it costs, and all that was said of it. */
export function ProductScreen() {
  const sku = usePart("id")
  const reading = useApi<Product>(apiPath(`/v1/products/${encodeURIComponent(sku)}`, {}))
  return (
    <Page title={sku} reading={reading}>
      <Loaded reading={reading} lines={6}>
        {(product) => (
          <>
            <p className="lead">
              <strong>{titleOf(product)}</strong>
            </p>
            {product.earlierSkus.length > 0 && <p className="dim">{t.earlier(product.earlierSkus.join(", "))}</p>}
            <CompleteWords product={product} />
            <Section title={t.values}>
              <List
                name={t.values}
                rows={product.values}
                columns={valueColumns}
                keyOf={({ field, scope, layer }) => `${field} ${placeText(scope)} ${layer}`}
              />
            </Section>
            <PricesOf sku={product.sku} />
            <Lineage sku={product.sku} />
            <p>
              <Link to={paths.ownership()}>{t.toOwnership}</Link>
            </p>
          </>
        )}
      </Loaded>
    </Page>
  )
}

function Lineage({ sku }: { sku: string }) {
  const reading = useApi<Items<Fact>>(`/v1/products/${encodeURIComponent(sku)}/lineage`)
  return (
    <Section title={t.lineage}>
      <Loaded reading={reading} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">{t.noLineage}</p>
          ) : (
            <List name={t.lineage} rows={items.slice(0, 50)} columns={factColumns} keyOf={({ fact }) => fact} />
          )
        }
      </Loaded>
    </Section>
  )
}
