import { apiPath } from "../../api/client.ts"
import type { Account, Exception, Order, Page as Items, Trace } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { orderState } from "../../format/roles.ts"
import { CopyButton } from "../../list/around.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page } from "../../parts/page.tsx"
import { State } from "../../parts/values.tsx"
import { useFilters, usePart } from "../../routes/navigation.ts"
import { paths, type OrderTab } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { DocumentsTab } from "./documents.tsx"
import { ExceptionsTab } from "./exceptions.tsx"
import { GoodsTab } from "./goods.tsx"
import { OrderHead } from "./head.tsx"
import { MoneyTab } from "./money.tsx"
import { WayTab } from "./way.tsx"

const t = en.order
const tabs: readonly OrderTab[] = ["way", "money", "goods", "documents", "exceptions"]

/** One order over all systems: where it stands, its way, its money, its goods, its documents. */
export function OrderScreen() {
  const id = usePart("id")
  const { tab: chosen = "way" } = useFilters()
  const tab = tabs.find((one) => one === chosen) ?? "way"
  const path = `/v1/orders/${encodeURIComponent(id)}`
  const reading = useApi<Order>(path)
  const trace = useApi<Trace>(apiPath("/v1/trace", { of: `order/${id}` }))
  const account = useApi<Account>(`${path}/account`)
  const exceptions = useApi<Items<Exception>>(apiPath("/v1/exceptions", { orderId: id, limit: 50 }))
  const open = exceptions.data?.items.filter(({ state }) => state === "open") ?? []
  const order = reading.data
  return (
    <Page
      title={order === undefined ? en.orders.number : `${en.orders.number} ${order.number}`}
      aside={order && <State shown={orderState(order.state)} isBig />}
      reading={reading}
      acts={<CopyButton text={id} name={en.list.copyId} />}
    >
      <Loaded reading={reading} lines={10}>
        {(found) => (
          <>
            <OrderHead order={found} trace={trace.data} open={open} />
            <nav className="tabs" aria-label={t.tabsName}>
              {tabs.map((one) => (
                <Link key={one} to={paths.order(id, one)} aria-current={one === tab ? "page" : undefined}>
                  {t.tabs[one]}
                  {one === "exceptions" && open.length > 0 && <span className="count">{open.length}</span>}
                </Link>
              ))}
            </nav>
            {tab === "way" && <WayTab of={`order/${id}`} trace={trace} />}
            {tab === "money" && <MoneyTab order={found} account={account} />}
            {tab === "goods" && <GoodsTab account={account} />}
            {tab === "documents" && <DocumentsTab order={found} account={account} trace={trace.data} />}
            {tab === "exceptions" && <ExceptionsTab exceptions={exceptions} />}
          </>
        )}
      </Loaded>
    </Page>
  )
}
