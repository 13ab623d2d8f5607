import { useRouterState } from "@tanstack/react-router"
import { signOut, useMe } from "../api/session.ts"
import { queryClient } from "../api/use-api.ts"
import { Icon } from "../parts/icon.tsx"
import { Link } from "../parts/link.tsx"
import { useGo } from "../routes/navigation.ts"
import { paths } from "../routes/paths.ts"
import { en } from "../texts/en.ts"
import { places, type Place } from "./places.ts"
import { ZoneSwitch } from "./zone-switch.tsx"

const t = en.menu
const onPhone: readonly Place[] = [
  ...places.slice(0, 2),
  { icon: "find", name: t.find, path: paths.find() },
  { icon: "store", name: t.store, path: paths.store() },
]

/** Whether one of a place's screens is open. */
function useIsHere(): (place: Place) => boolean {
  const here = useRouterState({ select: ({ location }) => location.pathname.replace(/^\/console(?=\/|$)/, "") || "/" })
  return ({ path, also = [] }) =>
    (path === "/" ? here === "/" : here === path || here.startsWith(`${path}/`)) ||
    also.some((one) => here.startsWith(one))
}

export function Menu({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const isHere = useIsHere()
  return (
    <>
      {isOpen && <div className="veil" onClick={onClose} aria-hidden="true" />}
      <nav className={isOpen ? "menu open" : "menu"} aria-label={t.name}>
        <Link to={paths.today()} className="wordmark">
          {en.product}
        </Link>
        <ul>
          {places.map((place) => (
            <li key={place.path}>
              <Link
                to={place.path}
                className="place"
                aria-current={isHere(place) ? "page" : undefined}
                onClick={onClose}
              >
                <Icon name={place.icon} />
                {place.name}
              </Link>
            </li>
          ))}
        </ul>
        <div className="menu-foot">
          <ZoneSwitch />
          <Person />
        </div>
      </nav>
    </>
  )
}

function Person() {
  const me = useMe()
  const go = useGo()
  if (!me.data) return null
  const leave = async () => {
    await signOut()
    queryClient.clear()
    go(paths.signIn())
  }
  return (
    <div className="person">
      <span className="person-name" title={me.data.roles.join(", ")}>
        {me.data.name}
        <span className="dim">{me.data.roles.join(", ")}</span>
      </span>
      <button
        type="button"
        className="button quiet square"
        onClick={() => void leave()}
        aria-label={en.signIn.out}
        title={en.signIn.out}
      >
        <Icon name="out" />
      </button>
    </div>
  )
}

/** At the thumb on a phone. */
export function PhoneTabs({ onMore }: { onMore: () => void }) {
  const isHere = useIsHere()
  return (
    <nav className="tabs-below" aria-label={t.find}>
      {onPhone.map((place) => (
        <Link key={place.path} to={place.path} aria-current={isHere(place) ? "page" : undefined}>
          <Icon name={place.icon} />
          {place.name}
        </Link>
      ))}
      <button type="button" onClick={onMore}>
        <Icon name="more" />
        {t.more}
      </button>
    </nav>
  )
}
