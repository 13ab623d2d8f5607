import type { Operation } from "../../api/answers.ts"
import { change } from "../../api/client.ts"
import { useMe, useRight, type Right } from "../../api/session.ts"
import { queryClient } from "../../api/use-api.ts"
import { Failed } from "../../parts/failed.tsx"
import { useAct } from "../../parts/use-act.ts"
import { en } from "../../texts/en.ts"

const t = en.operations
type Verb = "run" | "approval" | "pause" | "stop"

const verbs: Readonly<Record<Operation["state"], readonly Verb[]>> = {
  previewed: ["run", "stop"],
  "waiting for approval": ["approval", "stop"],
  running: ["pause", "stop"],
  paused: ["run", "stop"],
  stopped: [],
  done: [],
}

/** What may be done with an operation in its state. To run or approve it names the preview that is on the screen. */
export function OperationActs({ operation, isStale }: { operation: Operation; isStale: boolean }) {
  const { isBusy, error, run } = useAct()
  const [running, approving] = [useRight("decide exceptions"), useRight("approve operations")]
  const isOwn = useMe().data?.id === operation.requestedBy
  const send = async (verb: Verb) => {
    const isSeen = verb === "run" || verb === "approval"
    const path = `/v1/operations/${encodeURIComponent(operation.id)}/${verb}`
    await change("POST", path, isSeen ? { body: { hash: operation.hash } } : {}).finally(() =>
      queryClient.invalidateQueries(),
    )
  }
  const rightOf = (verb: Verb): Right => {
    if (verb !== "approval") return running
    return isOwn && approving.isAllowed ? { isAllowed: false, reason: t.notOwn } : approving
  }
  const reasons = new Set(verbs[operation.state].flatMap((verb) => rightOf(verb).reason ?? []))
  return (
    <>
      <div className="group-acts">
        {verbs[operation.state].map((verb) => (
          <button
            key={verb}
            type="button"
            className={verb === "run" || verb === "approval" ? "button primary" : "button"}
            disabled={isStale || !rightOf(verb).isAllowed}
            aria-disabled={isBusy}
            // "Pause" comes where "Run" was: the second click of a double click is not meant for it.
            onClick={({ detail }) => detail < 2 && void run(() => send(verb))}
          >
            {t.verbs[verb]}
          </button>
        ))}
        {isStale ? <span className="why-off">{en.stale.actsOff}</span> : null}
        {[...reasons].map((reason) => (
          <span key={reason} className="why-off">
            {reason}
          </span>
        ))}
      </div>
      {error && <Failed error={error} isAct />}
    </>
  )
}
