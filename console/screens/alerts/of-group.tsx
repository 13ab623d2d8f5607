import type { Alert } from "../../api/promise-answers.ts"
import type { Page as Items } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { alertState } from "../../format/promise.ts"
import { Link } from "../../parts/link.tsx"
import { State } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

/** The open alert of a group of exceptions, where there is one. People of single channels see none: alerts tell of all. */
export function GroupAlert({ group }: { group: string }) {
  const [alert] = useApi<Items<Alert>>(`/v1/alerts?state=open&group=${encodeURIComponent(group)}`).data?.items ?? []
  if (!alert) return null
  return (
    <p className="group-alert">
      <Link to={paths.alert(alert.id)}>{en.alerts.ofGroup}</Link> <State shown={alertState(alert)} />
    </p>
  )
}
