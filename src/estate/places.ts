import { own } from "../base/lookup.ts"
import type { Problem } from "../base/errors.ts"
import type { EstateFrame } from "./frame.ts"

/**
 * The places that a connection may speak of: count their stock, say that goods left them or are missing there. Those that the
 * connection names as its `places`; otherwise those whose goods it is asked to ship.
 */
export function placesOf(estate: EstateFrame, connection: string): ReadonlySet<string> {
  const { places } = own(estate.connections, connection) ?? {}
  if (places) return new Set(places)
  const releases = estate.routes.filter(
    (route) =>
      route.connection === connection &&
      route.role !== "shadow" &&
      [route.capability].flat().includes("releasesFulfilment"),
  )
  const isAsked = (id: string) => releases.some(({ location }) => location === undefined || location === id)
  const ids = estate.locations.map(({ id }) => id)
  return new Set(ids.filter(isAsked))
}

/** Places of connections that the estate does not have: what is said of them would be refused without a word here. */
export function placeProblems({ connections, locations }: EstateFrame): Problem[] {
  const known = new Set(locations.map(({ id }) => id))
  return Object.entries(connections).flatMap(([id, { places }]) =>
    (places ?? []).flatMap((place, index) =>
      known.has(place)
        ? []
        : [{ pointer: `/connections/${id}/places/${index}`, message: `there is no location "${place}"` }],
    ),
  )
}
