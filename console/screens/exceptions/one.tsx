import { apiPath } from "../../api/client.ts"
import type { Exception, Order } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { exceptionState, orderState } from "../../format/roles.ts"
import { quantityText } from "../../format/quantity.ts"
import { CopyButton } from "../../list/around.tsx"
import { Link } from "../../parts/link.tsx"
import { Facts, Loaded, Page, Section, useIsStale } from "../../parts/page.tsx"
import { Amount, Exactly, State, When } from "../../parts/values.tsx"
import { usePart } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { LinkDocument } from "../operations/link-document.tsx"
import { Decide } from "./decide.tsx"
import { DeliverySection } from "./delivery.tsx"

const t = en.exceptions

/** One exception: what happened, what was done, what happens if nobody acts, and what may be done. */
export function ExceptionScreen() {
  const id = usePart("id")
  const reading = useApi<Exception>(apiPath(`/v1/exceptions/${encodeURIComponent(id)}`))
  const isStale = useIsStale(reading)
  const one = reading.data
  return (
    <Page
      title={one ? capital(one.cause) : t.title}
      aside={one && <State shown={exceptionState(one.state)} isBig />}
      reading={reading}
      acts={<CopyButton text={location.href} name={en.list.copyLink} />}
    >
      <Loaded reading={reading} lines={10}>
        {(exception) => (
          <div className="halves">
            <div>
              <p className="lead">{exception.summary}</p>
              <Section title={t.ifNobodyActs}>
                <p>{capital(exception.ifNobodyActs)}.</p>
                {exception.dueAt && (
                  <p>
                    <When at={exception.dueAt.at} hasZone /> <span className="dim">{exception.dueAt.what}</span>
                  </p>
                )}
              </Section>
              {exception.decision ? (
                <Decided exception={exception} />
              ) : (
                <Decide exception={exception} isStale={isStale} />
              )}
              {/^(?:order|return|credit)\//.test(exception.about) && (
                <LinkDocument about={exception.about} isStale={isStale} />
              )}
              {exception.about.startsWith("inbox/") && <DeliverySection id={exception.about.slice("inbox/".length)} />}
              <DoneSoFar steps={exception.doneSoFar} />
              <details className="raw">
                <summary>{t.raw}</summary>
                <pre>{JSON.stringify(exception, null, 2)}</pre>
              </details>
            </div>
            <aside>
              <About exception={exception} />
            </aside>
          </div>
        )}
      </Loaded>
    </Page>
  )
}

function About({ exception }: { exception: Exception }) {
  const { group, about, orderId, owner, atRisk, openedAt, workflow, sku, missingMilli } = exception
  return (
    <Facts
      facts={[
        [t.atRisk, <Amount key="risk" money={atRisk} />],
        [t.owner, owner],
        [t.since, <When key="since" at={openedAt} hasZone />],
        [
          t.group,
          <Link key="group" to={paths.group(group)}>
            {exception.cause}
          </Link>,
        ],
        [
          t.about,
          orderId === undefined ? (
            <Link key="about" to={paths.object(about)}>
              {about}
            </Link>
          ) : (
            <OrderOf key="order" id={orderId} />
          ),
        ],
        ...(sku === undefined
          ? []
          : ([
              [
                t.missing,
                <span key="sku">
                  {missingMilli === undefined ? "" : `${quantityText(missingMilli)} × `}
                  <Link to={paths.stock({ sku })}>{sku}</Link>
                </span>,
              ],
            ] as const)),
        ...(workflow === undefined ? [] : ([[t.raisedBy, workflow]] as const)),
      ]}
    />
  )
}

/** The order by its number, with where it stands by now. */
function OrderOf({ id }: { id: string }) {
  const { data: order } = useApi<Order>(`/v1/orders/${encodeURIComponent(id)}`)
  return (
    <span className="stacked">
      <Link to={paths.order(id)}>{order === undefined ? id : `${en.orders.number} ${order.number}`}</Link>
      {order && <State shown={orderState(order.state)} />}
    </span>
  )
}

function DoneSoFar({ steps }: { steps: readonly string[] }) {
  return (
    <Section title={t.doneSoFar}>
      {steps.length === 0 ? (
        <p className="dim">{t.nothingDone}</p>
      ) : (
        <ol className="done-so-far">
          {steps.map((step) => (
            <li key={step}>
              <State shown={{ role: "done", word: step }} />
            </li>
          ))}
        </ol>
      )}
    </Section>
  )
}

function Decided({ exception: { decision } }: { exception: Exception }) {
  if (!decision) return null
  const { action, by, at, reason, day } = decision
  return (
    <Section title={t.decidedBy(by)}>
      <p>
        <strong>
          {action}
          {day === undefined ? "" : ` ${day}`}
        </strong>{" "}
        <span className="dim">
          <Exactly at={at} />
        </span>
      </p>
      {reason !== undefined && <p>{reason}</p>}
    </Section>
  )
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, "")
