"""What happens, step by step: every runbook in words."""

import re
from collections.abc import Callable, Mapping

from dr.model.base import JsonObject, JsonValue
from dr.model.runbook import Runbook, RunKind, Step
from dr.report.plan_document.blocks import Block, Chapter, Folded, Points, Text, counted, joined
from dr.report.plan_document.facts import Detail, Facts
from dr.report.plan_document.protected import timed
from dr.units import show_duration

_ORDER: tuple[RunKind, ...] = ("backup", "drill", "recovery", "outage", "failover", "maintenance")
_KINDS: Mapping[RunKind, str] = {
    "backup": "a copy is made",
    "drill": "an exercise: the copy is restored, proven and wiped",
    "recovery": "for real, once a person has begun it",
    "outage": "begun when an outage is declared",
    "failover": "begun when an office is lost",
    "maintenance": "upkeep",
}
_REFERENCE = re.compile(r"\$\{([\w.-]+)\}")
_SAID = ("budget ", "phase ", "skipped unless ")
"""How notes begin that say what the sentence has said."""
_PARAMETER = re.compile(r"\$\{parameters\.([\w-]+)\}")


def steps(facts: Facts) -> Chapter:
    intro = Text(
        "These are the runbooks themselves, in words: the machine goes by them step by step, and takes up where it was when it is cut off. "
        "What begins by itself has its hour beside it; anything else is begun by a person."
    )
    named = {entry.runbooks.recover for entry in facts.inventory.systems.values()}
    books = sorted(facts.books.values(), key=lambda book: (_ORDER.index(book.kind), book.runbook not in named, book.schedule is None))
    blocks: list[Block] = [intro, *(_book(facts, book, seen=book.runbook in named) for book in books)]
    return Chapter("steps", "What happens, step by step", "Steps", tuple(blocks))


def _book(facts: Facts, book: Runbook, *, seen: bool) -> Folded:
    when = f"{timed(book.schedule)}, in {facts.zone}" if book.schedule else "started by a person" if book.kind in _BY_HAND else ""
    about = "; ".join(filter(None, (_KINDS[book.kind], when, counted(len(_of(book, "steps")), "step"))))
    labels = (("steps", ""), ("on_failure", "If it fails:"), ("always", "In any case, at the end:"))
    inside = [Points(_points(facts, book, part), label, numbered=part == "steps") for part, label in labels if _of(book, part)]
    return Folded(book.title, about, tuple(inside), seen)


_BY_HAND: frozenset[RunKind] = frozenset({"backup", "drill", "maintenance"})


def _of(book: Runbook, part: str) -> list[Step]:
    """The steps that such a run has."""
    return [step for step in getattr(book, part) if step.only in (None, book.kind)]


def _points(facts: Facts, book: Runbook, part: str) -> tuple[Text, ...]:
    details, shown = facts.details.get(book.runbook, {}), _of(book, part)
    names = {id(step): step.id or f"{part.replace('_', '-')}-{at}-{step.action}" for at, step in enumerate(getattr(book, part), 1)}
    return tuple(Text(_sentence(facts, book, step), more=_more(details.get(names[id(step)]))) for step in shown)


def _more(detail: Detail | None) -> str:
    if detail is None:
        return ""
    notes = [note for note in detail.notes if not note.startswith(_SAID)]
    return " ".join("; ".join(part.strip() for part in (detail.given, *notes) if part.strip()).split())


def _sentence(facts: Facts, book: Runbook, step: Step) -> str:
    given = {name: _resolved(value, book) for name, value in step.with_.items()}
    said = _PLAIN[step.action](given, facts) if step.action in _PLAIN else facts.kinds.actions.get(step.action, step.action)
    only = f" Only where {_words(step.when.value)} is {_words(step.when.equals)}." if step.when else ""
    budget = f" Its share of the time: {show_duration(step.budget)}." if step.budget is not None else ""
    return said.rstrip(".") + "." + only + budget


def _words(value: JsonValue) -> str:
    """`confirm`, of `${parameters.confirm}`."""
    text = str(value).lower() if isinstance(value, bool) or value is None else str(value)
    return _REFERENCE.sub(lambda found: found[1].rpartition(".")[2].replace("_", " "), text)


def _resolved(value: JsonValue, book: Runbook) -> JsonValue:
    """With the runbook's own defaults."""
    if isinstance(value, str):
        found = _PARAMETER.fullmatch(value)
        return book.parameters[found[1]].default if found and found[1] in book.parameters else value
    if isinstance(value, list | tuple):
        return [_resolved(one, book) for one in value]
    return value


def _tiers(given: JsonObject, name: str = "tiers") -> str:
    value = given.get(name)
    found = [str(one) for one in (value if isinstance(value, list) else [value]) if one and not str(one).startswith("$")]
    return joined(found)


def _checks(given: JsonObject, facts: Facts) -> str:
    kinds = [one["check"] if isinstance(one, dict) else one for one in given.get("checks", ())]
    words = [_CHECKS.get(kind) or facts.kinds.checks.get(kind, str(kind)).split(". ")[0].rstrip(".") for kind in kinds]
    return "; ".join(words)


def _notify(given: JsonObject, facts: Facts) -> str:
    about = str(given.get("template", "")).replace("-", " ")
    after = _AFTER.get(str(given.get("only_after") or ""), "")
    return f"{after}{'t' if after else 'T'}ell {_audience(given, facts)}" + (f": “{about}”" if about else "")


def _select(given: JsonObject, _: Facts) -> str:
    tier = _tiers(given, "tier")
    return f"Choose the copy{f' in {tier}' if tier else ''}, and keep it from being deleted"


def _audience(given: JsonObject, facts: Facts) -> str:
    to = str(given.get("to") or "")
    if to in facts.inventory.contacts:
        return facts.inventory.contacts[to].name
    return f"the group {to}" if to and not to.startswith("$") else "those who are to know"


_AFTER = {
    "failure": "Where the run before it had failed, ",
    "finding": "Where it found something grave, ",
    "near-miss": "Where it only just succeeded, ",
}
_CHECKS = {
    "starts-up": "every database starts and answers a query",
    "content-equals-source": "every row, table and right equals the source's, as it was when the copy was made",
    "needle": "the mark that was planted that night is found again",
    "site-files-equal": "every file is what was copied",
    "sql-assertion": "a question of our own has the expected answer",
    "sql-answers": "the database lets a user in and answers",
    "newest-row-age": "the newest rows are fresh",
    "row-count-change": "no table has lost or gained more rows than it should",
    "http-answers": "a web page answers as it should",
    "tcp-answers": "something takes a connection",
    "tls-expiry": "the certificate will be good for long enough",
}
_PLAIN: Mapping[str, Callable[[JsonObject, Facts], str]] = {
    "backup": lambda g, _: f"Read the system once, encrypt it, and store a copy in {_tiers(g, 'to') or 'each tier'}",
    "copy": lambda g, _: f"Give {_tiers(g, 'to') or 'each tier'} whatever copy it lacks, checked on the way",
    "verify": lambda g, _: f"Read back every stored byte in {_tiers(g) or 'each tier'} and compare it with the signed list",
    "canary": lambda *_: "Try that the key which drills use still opens the newest copies",
    "forecast": lambda *_: "Work out, by the drills held, how long it would take to be back tonight; too long is an alarm",
    "prune": lambda *_: "Delete the copies that no rule keeps any more; never the last proven one",
    "save-home": lambda *_: "Store this plan, its keys and its records, encrypted, beside the copies",
    "select-backup": _select,
    "restore": lambda *_: "Restore it on the standby",
    "check": lambda g, f: f"Prove it: {_checks(g, f)}",
    "scrub": lambda *_: "Wipe the standby, look whether anything is left, and sign a certificate of it",
    "notify": _notify,
    "report": lambda *_: "Write the evidence: signed for an auditor, and as a page for people",
    "approve": lambda g, _: f"Wait for {'a second' if g.get('second_person') else 'a'} person's yes; without it nothing goes on",
    "open": lambda *_: "Let users in: from here on the standby is production, and nothing may wipe it",
    "replay-suppressions": lambda *_: (
        "Carry out again every request to be erased, or to be shared no longer, that came after the copy was made"
    ),
    "reassign-duties": lambda *_: "Put the loss on record, tell everybody, and ask the next office for each of its duties",
    "await-acceptances": lambda *_: "Wait until somebody holds every duty; who refuses or is silent is passed over",
    "keep-told": lambda *_: "Keep people told until it is over, even when nothing changed",
    "watch-redundancy": lambda *_: "Look at everything that there are two of, and say what changed",
    "detect-outages": lambda *_: "Ask each system from several places whether it answers; where enough of them agree that not, say so",
    "probe": lambda g, f: f"Ask, as a user would, whether it answers: {_checks(g, f)}",
    "swap-in": lambda *_: "Put the restored files where the applications look for them",
}
"""Action to what it does, for somebody who has never seen a computer room; another one is said in its own file's words."""
