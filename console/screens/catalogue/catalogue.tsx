import { useRef } from "react"
import { apiPath } from "../../api/client.ts"
import type { Page as Items } from "../../api/answers.ts"
import type { Product } from "../../api/catalogue-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { List, type Column } from "../../list/list.tsx"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page } from "../../parts/page.tsx"
import { When } from "../../parts/values.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { placeText, titleOf } from "./texts-of.ts"

const t = en.catalogue

const columns: readonly Column<Product>[] = [
  { head: t.sku, cell: ({ sku }) => <Link to={paths.product(sku)}>{sku}</Link>, onCard: "title" },
  { head: t.name, cell: (product) => titleOf(product), isWide: true, onCard: "text" },
  { head: t.fields, cell: ({ values }) => values.length, isNumber: true },
  { head: t.complete, cell: (product) => <Complete product={product} /> },
  { head: t.since, cell: ({ changedAt }) => <When at={changedAt} />, onCard: "aside" },
]

function Complete({ product: { complete } }: { product: Product }) {
  if (complete.length === 0) return <span className="dim">–</span>
  const done = complete.filter(({ isComplete }) => isComplete).length
  return <span>{`${done} / ${complete.length}`}</span>
}

/** Products by their SKU, and where they are complete. */
export function CatalogueScreen() {
  const go = useGo()
  const { sku = "" } = useFilters()
  const field = useRef<HTMLInputElement>(null)
  const reading = useApi<Items<Product>>(
    apiPath("/v1/products", { beginning: sku === "" ? undefined : sku, limit: 100 }),
  )
  return (
    <Page title={t.title} reading={reading} acts={<Elsewhere />}>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          go(paths.catalogue({ sku: field.current?.value.trim() }))
        }}
      >
        <label className="choice">
          <span>{t.sku}</span>
          <input key={sku} ref={field} type="search" defaultValue={sku} placeholder={t.skuHint} autoComplete="off" />
        </label>
        <button type="submit" className="button">
          {t.ask}
        </button>
      </form>
      <Loaded reading={reading} lines={6}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={t.nothing} hint={t.nothingHint} />
          ) : (
            <List name={t.title} rows={items} columns={columns} keyOf={({ productId }) => productId} hasKeys />
          )
        }
      </Loaded>
    </Page>
  )
}

/** The other screens about what is sold. */
function Elsewhere() {
  return (
    <>
      <Link to={paths.prices()}>{t.toPrices}</Link> <Link to={paths.ownership()}>{t.toOwnership}</Link>
    </>
  )
}

/** Where a product is complete, in words. */
export function CompleteWords({ product: { complete } }: { product: Product }) {
  return (
    <ul className="linked">
      {complete.map((one) => (
        <li key={placeText(one)}>
          {one.isComplete ? `${t.complete} ${placeText(one)}` : t.lacks(placeText(one), one.missing.join(", "))}
        </li>
      ))}
    </ul>
  )
}
