"""What people noted on a run: in the audit trail, and from there in the run's evidence and timeline."""

from dr.app.home import App, whoami
from dr.errors import ConfigError
from dr.model.base import RunId
from dr.model.record import Comment
from dr.policy.comments import COMMENTED, comments_of

LONGEST = 2000
"""Characters of a comment."""


def comment(app: App, run: str, text: str) -> Comment:
    """Note it. Raises ConfigError for a run that is not there, and for a text that is empty or too long: nothing of it is kept then."""
    record = app.run_record(run)
    said = text.strip()
    if not said:
        raise ConfigError("the comment is empty", hint='dr runs comment RUN "what you saw, did or decided"')
    if len(said) > LONGEST:
        raise ConfigError(
            f"the comment has {len(said):,} characters, and {LONGEST:,} is the most", hint="say it in less, or name where the rest is kept"
        )
    by, now = whoami(), app.clock.now()
    app.records.audit(COMMENTED, record.run, {"text": said}, actor=by, at=now)
    return Comment(by=by, at=now, text=said)


def comments(app: App, run: RunId) -> list[Comment]:
    """Oldest first."""
    return comments_of(app.records.audit_of(run))
