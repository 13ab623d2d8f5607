/** A runbook: an address to open, or the path of a page beside the code. */
export function Runbook({ place }: { place: string }) {
  if (!/^https?:\/\//.test(place)) return <span className="code">{place}</span>
  return (
    <a href={place} target="_blank" rel="noreferrer">
      {place}
    </a>
  )
}
