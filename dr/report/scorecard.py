"""The scorecard of an exercise, signed, and its page: what was played, how fast it went, what is to mend."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from dr.disk import replace_file
from dr.errors import Failed, Refused
from dr.model.base import Seconds, canonical, sha256
from dr.model.exercise import HEADS, ExerciseEvidence, Measure
from dr.model.ports import Keyring
from dr.report.page import MARKS, environment
from dr.report.timeline import gauge
from dr.report.write import checked, written
from dr.units import show_duration

PREFIX = "exercise-"
"""How the name of each file begins."""
KIND = "exercise"
"""The fact by which an exercise's file is told from a run's."""


def write_card(folder: Path, evidence: ExerciseEvidence, keys: Keyring, key: str, page: Path | None = None) -> Path:
    """The signed file into `folder`, and the page beside it or where it is wanted; gives back the page. Raises Failed."""
    body = evidence.to_facts()
    signed = written(body, key, keys.sign(canonical(body)))
    place = page or folder / f"{evidence.exercise}.html"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(folder / f"{evidence.exercise}.json", signed)
        replace_file(place, card_page(evidence, sha256(signed), key).encode("utf-8"))
    except OSError as problem:
        cause = os.strerror(problem.errno or 0)
        raise Failed(f"the scorecard cannot be written: {cause}", hint=f"make room in {folder}, or name another place: --html") from None
    return place


def read_card(text: bytes, verify: Callable[[bytes, bytes], None]) -> ExerciseEvidence:
    """An exercise whose signature was checked. Raises Damaged; Refused for what is none, or was written by a later `dr`."""
    signed = checked(text, verify)
    try:
        return ExerciseEvidence.from_json(json.dumps(signed.evidence))
    except ValueError:
        raise Refused("genuine, but no exercise that this dr can read", hint="verify it with the dr that wrote it") from None


def card_page(evidence: ExerciseEvidence, digest: str, key: str) -> str:
    """`digest`: SHA-256 of the signed file, `key`: the id of the key that signed it."""
    card = evidence.card
    return (
        environment(evidence.zone)
        .get_template("exercise.html.j2")
        .render(
            e=evidence,
            card=card,
            mark=MARKS[evidence.verdict],
            head=HEADS[evidence.verdict],
            answer=answer(evidence),
            tiles=[_tile(each) for each in card.measures],
            duties=[_duty(evidence, index) for index in range(len(card.duties))],
            people=[(evidence.names.get(p.contact, p.contact), *_person(evidence, index)) for index, p in enumerate(card.people)],
            took=show_duration((evidence.ended - card.began).total_seconds()),
            digest=digest,
            key=key,
        )
    )


def answer(evidence: ExerciseEvidence) -> str:
    """The page in a few sentences."""
    card = evidence.card
    seen = f"somebody said so after {show_duration(card.first_acknowledgement)}" if card.first_acknowledgement is not None else ""
    said = ["Nobody was told anything."]
    if card.first_notice is not None:
        said = [f"The first person was told after {show_duration(card.first_notice)}, and {seen or 'nobody said that they saw it'}."]
    if card.duties:
        held = sum(each.after is not None for each in card.duties)
        whole = f" after {show_duration(card.full_assignment)}" if card.full_assignment is not None else ""
        every = f"All {len(card.duties)} duties" if len(card.duties) > 1 else "The duty"
        some = f"{held} of {len(card.duties)} duties had a new holder in the end."
        said.append(f"{every} had a new holder{whole}." if held == len(card.duties) else some)
    grave = [gap.text for gap in card.gaps if gap.grave]
    if grave and card.first_notice is not None:
        said.append(f"On a real day: {grave[0]}.")
    return " ".join(said)


def _tile(measure: Measure) -> dict[str, object]:
    took = measure.took
    return {
        "cap": measure.what.capitalize(),
        "big": show_duration(took) if took is not None else "never",
        "shade": "good" if measure.within else "bad" if took is None else "warn",
        "gauge": gauge(took, measure.expected) if took is not None else None,
        "note": f"meant: within {show_duration(measure.expected)}",
        "why": measure.why,
    }


def _duty(evidence: ExerciseEvidence, index: int) -> dict[str, str]:
    each, names = evidence.card.duties[index], evidence.names
    return {
        "title": each.title,
        "office": names.get(each.office, each.office) if each.office and each.after is not None else "NOBODY",
        "after": _after(each.after),
        "asked": ", then ".join(names.get(office, office) for office in each.asked) or "nobody",
    }


def _person(evidence: ExerciseEvidence, index: int) -> tuple[str, str, str]:
    person = evidence.card.people[index]
    away = person.contact in evidence.scenario.away
    down = any(each.contact == person.contact for each in evidence.scenario.down)
    played = " and ".join(word for word, so in (("away", away), ("a channel was down", down)) if so)
    seen = _after(person.acknowledged) if person.asked or person.acknowledged is not None else "not asked"
    return _after(person.reached), seen, played


def _after(seconds: Seconds | None) -> str:
    return show_duration(seconds) if seconds is not None else "–"
