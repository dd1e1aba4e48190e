"""`scrub`: remove every trace of a drill from the standby and sign a certificate that says so.

Safe to repeat: a second scrub finds nothing to remove and certifies that.
"""

from dr.errors import Failed
from dr.model.base import HostName, StrictModel
from dr.model.ports import Action, Effect, Outcome, StepContext
from dr.model.record import HostState, ScrubCertificate


class Params(StrictModel):
    host: HostName


class Facts(StrictModel):
    certificate: ScrubCertificate


def run(params: Params, ctx: StepContext) -> Outcome:
    host = ctx.writable_host(params.host)
    certificate = host.scrub(_canaries(ctx))
    ctx.failpoint("after-removal")
    key = f"scrub:{params.host}"
    if certificate.found:
        ctx.finding(
            key, "critical", f"{certificate.found} canaries are left on {params.host} after the scrub", hint="look where it searched"
        )
        raise Failed(f"{params.host} still holds drill data after the scrub", hint="the certificate's 'searched' says where to look")
    ctx.records.close_findings(key, [], ctx.clock.now(), ctx.run)
    ctx.records.record_host(HostState(host=params.host, state="clean", run=ctx.run, since=certificate.at))
    ctx.audit("standby.scrubbed", params.host, {"removed": len(certificate.removed), "canaries": certificate.canaries})
    return Outcome(changed=bool(certificate.removed), facts=Facts(certificate=certificate).to_facts())


def _canaries(ctx: StepContext) -> list[bytes]:
    """Words that were certainly on the standby: the needles this run restored."""
    facts = [s.facts for s in ctx.records.steps(ctx.run) if s.action == "restore"]
    return [str(f["needle"]).encode() for f in facts if f.get("needle")]


ACTION = Action(kind="scrub", params=Params, facts=Facts, effect=Effect.DELETES, run=run, failpoints=("after-removal",))
