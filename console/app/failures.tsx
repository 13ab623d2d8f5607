import type { ErrorComponentProps } from "@tanstack/react-router"
import { Failed } from "../parts/failed.tsx"
import { Link } from "../parts/link.tsx"
import { paths } from "../routes/paths.ts"
import { en } from "../texts/en.ts"

export function NotFound() {
  return (
    <div className="page">
      <h1 tabIndex={-1}>{en.failure.notFound}</h1>
      <p className="dim">{en.failure.notFoundHint}</p>
      <p>
        <Link to={paths.today()}>{en.failure.goToday}</Link>
      </p>
    </div>
  )
}

/** A defect of a screen: the rest of the console goes on. */
export function ScreenFailed({ error, reset }: ErrorComponentProps) {
  return (
    <div className="page">
      <Failed
        title={en.failure.broken}
        error={error instanceof Error ? error : new Error(String(error))}
        onRetry={reset}
      />
    </div>
  )
}
