import { ApiError } from "../api/client.ts"
import { en } from "../texts/en.ts"

/** A failure as people need it: what, what changed, the request's id, and another try. */
export function Failed({
  error,
  title,
  onRetry,
  isAct = false,
}: {
  error: Error
  title?: string
  onRetry?: () => void
  isAct?: boolean
}) {
  const known = error instanceof ApiError ? error : undefined
  const isNo = known !== undefined && known.status < 500
  if (!isAct && known?.status === 403) return <Empty {...en.empty.notAllowed} detail={known.message} />
  return (
    <div className="failed" role="alert">
      <strong>{title ?? (isAct ? en.failure.act : en.failure.title)}</strong>
      <p>{known ? known.message : error instanceof TypeError ? en.failure.away : error.message}</p>
      {known?.problems.map(({ pointer, message }) => (
        <p key={`${pointer}${message}`}>{message}</p>
      ))}
      {isAct && <p>{isNo ? en.failure.unchanged : en.failure.unclear}</p>}
      <div className="failed-foot">
        {onRetry && (
          <button type="button" className="button" onClick={onRetry}>
            {en.failure.retry}
          </button>
        )}
        {known?.requestId !== undefined && <span className="code dim">{en.failure.requestId(known.requestId)}</span>}
      </div>
    </div>
  )
}

/** Why there is nothing, and what to do about it. */
export function Empty({
  title,
  hint,
  detail,
  action,
}: {
  title: string
  hint: string
  detail?: string
  action?: { name: string; act: () => void }
}) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      <p>{hint}</p>
      {detail !== undefined && <p className="code">{detail}</p>}
      {action && (
        <button type="button" className="button" onClick={action.act}>
          {action.name}
        </button>
      )}
    </div>
  )
}
