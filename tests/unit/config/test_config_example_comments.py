"""What the example runbooks offer in comments works as it stands, once somebody takes the comment's sign away."""

import re
from pathlib import Path

import pytest

from dr.config.init import init_home
from dr.config.load import load
from dr.plugins import kinds

pytestmark = pytest.mark.unit
OFFERED = re.compile(r"#[^{\n]*(\{check: .*\})$", re.MULTILINE)


@pytest.mark.parametrize("name", ["drill-online", "drill-vault"])
def test_the_checks_in_comments_can_be_asked_for(tmp_path: Path, name: str) -> None:
    """Each is put into the list of checks, where its comment stands."""
    init_home(tmp_path / "home", "Org", "UTC")
    path = tmp_path / "home" / "runbooks" / f"{name}.yaml"
    text = path.read_text()
    offered = OFFERED.findall(text)
    path.write_text(re.sub(r"checks: \[(.*)\]", lambda found: f"checks: [{found[1]}, {', '.join(offered)}]", text, count=1))
    step = next(s for s in load(tmp_path / "home", kinds()).runbooks[name].steps if s.action == "check")
    asked = [one if isinstance(one, str) else one["check"] for one in step.with_["checks"]]
    assert asked[-4:] == ["sql-assertion", "newest-row-age", "row-count-change", "http-answers"]


def test_the_probe_in_the_nightly_can_be_switched_on(tmp_path: Path) -> None:
    init_home(tmp_path / "home", "Org", "UTC")
    path = tmp_path / "home" / "runbooks" / "nightly.yaml"
    text = path.read_text()
    begin = text.index("  # - id: portal")
    end = text.index("on_failure:")
    path.write_text(text[:begin] + re.sub(r"(?m)^  # ", "  ", text[begin:end]) + text[end:])
    steps = load(tmp_path / "home", kinds()).runbooks["nightly"].steps
    assert (steps[-1].id, steps[-1].action, len(steps[-1].with_["checks"])) == ("portal", "probe", 2)


def test_the_ping_in_the_contacts_can_be_switched_on(tmp_path: Path) -> None:
    init_home(tmp_path / "home", "Org", "UTC")
    path = tmp_path / "home" / "inventory" / "contacts.yaml"
    text = path.read_text()
    begin = text.index("# pings:")
    path.write_text(text[:begin] + re.sub(r"(?m)^# ", "", text[begin:]))
    assert list(load(tmp_path / "home", kinds()).inventory.pings) == ["nightly"]


def test_what_is_declared_of_the_vault_can_be_switched_on(tmp_path: Path) -> None:
    """In place of the line above it."""
    init_home(tmp_path / "home", "Org", "UTC")
    path = tmp_path / "home" / "inventory" / "systems.yaml"
    text = path.read_text()
    begin = text.index("        # vault:\n")
    end = text.index("2027-01-01]\n", begin) + len("2027-01-01]\n")
    plain = re.sub(r"(?m)^        # ", "        ", text[begin:end])
    path.write_text(text[:begin].replace("        vault: {rto: 8h, target: 6h}\n", "") + plain + text[end:])
    vault = load(tmp_path / "home", kinds()).inventory.systems["hmis"].objectives.tiers["vault"]
    assert vault.declared == {"decision": 900.0, "courier": 2700.0}
    assert (vault.open, vault.holidays) == (("Mon-Fri 09:00-17:00", "Sat 09:00-12:00"), ("2026-12-25", "2027-01-01"))
