import { apiPath } from "../../api/client.ts"
import type { BusinessObject, Trace } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { objectState } from "../../format/roles.ts"
import { Facts, Loaded, Page } from "../../parts/page.tsx"
import { Amount, State, When } from "../../parts/values.tsx"
import { usePart } from "../../routes/navigation.ts"
import { en } from "../../texts/en.ts"
import { WayTab } from "./way.tsx"

/** Any other business object: where it stands, and its way. */
export function ObjectScreen() {
  const ref = usePart("ref")
  const reading = useApi<BusinessObject>(`/v1/objects/${encodeURIComponent(ref)}`)
  const trace = useApi<Trace>(apiPath("/v1/trace", { of: ref }))
  const object = reading.data
  return (
    <Page title={object?.number ?? ref} aside={object && <State shown={objectState(object)} isBig />} reading={reading}>
      <Loaded reading={reading} lines={8}>
        {({ since, openedAt, owner, channel, place, value, reason }) => (
          <>
            <Facts
              facts={[
                [en.orders.since, <When key="since" at={since} hasZone />],
                [en.order.from, <When key="from" at={openedAt} />],
                ...(value === undefined ? [] : ([[en.order.total, <Amount key="value" money={value} />]] as const)),
                ...(owner === undefined ? [] : ([[en.exceptions.owner, owner]] as const)),
                ...(channel === undefined ? [] : ([[en.orders.channel, channel]] as const)),
                ...(place === undefined ? [] : ([[en.stock.place, place]] as const)),
              ]}
            />
            {reason !== undefined && <p className="lead dim">{reason}</p>}
            <WayTab of={ref} trace={trace} />
          </>
        )}
      </Loaded>
    </Page>
  )
}
