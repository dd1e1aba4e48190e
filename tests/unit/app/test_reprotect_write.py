"""What `dr reprotect` writes: all of it or nothing, and as it is read again."""

import re
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from dr.app.home import App
from dr.app.reprotect import exchange, key_line, naming, scalar
from dr.errors import Refused
from dr.model.base import SystemName

BEFORE = {"inventory/hosts.yaml": "role: standby\n", "inventory/systems.yaml": "host: lost\n"}


def home(tmp_path: Path) -> dict[str, tuple[str, str]]:
    (tmp_path / "inventory").mkdir()
    for name, text in BEFORE.items():
        (tmp_path / name).write_text(text)
    return {name: (text, text.upper()) for name, text in BEFORE.items()}


def there(tmp_path: Path) -> dict[str, str]:
    return {name: (tmp_path / name).read_text() for name in BEFORE}


def test_where_one_file_cannot_be_written_none_is_changed(tmp_path: Path) -> None:
    """Half of it would have the nightlies read a host whose role says that it is scrubbed."""
    texts = {**home(tmp_path), "inventory/not/there.yaml": ("", "x")}
    with pytest.raises(OSError, match="No such file"):
        exchange(tmp_path, texts, lambda: None)
    assert there(tmp_path) == BEFORE


@pytest.mark.parametrize("why", [KeyboardInterrupt, ValueError])
def test_what_is_not_right_or_was_broken_off_is_as_it_was(tmp_path: Path, why: type[BaseException]) -> None:
    texts = home(tmp_path)

    def judged() -> None:
        assert there(tmp_path) == {name: after for name, (_, after) in texts.items()}
        raise why

    with pytest.raises(why):
        exchange(tmp_path, texts, judged)
    assert there(tmp_path) == BEFORE


def test_what_somebody_wrote_while_the_question_stood_is_not_written_over(tmp_path: Path) -> None:
    """In an emergency two people mend one inventory. The twin: the other test, where nobody did."""
    texts = home(tmp_path)
    (tmp_path / "inventory/systems.yaml").write_text("host: mended by hand\n")
    with pytest.raises(Refused) as refused:
        exchange(tmp_path, texts, lambda: None)
    assert refused.value.message == "inventory/systems.yaml was changed by somebody meanwhile, so nothing was written"
    assert there(tmp_path) == {**BEFORE, "inventory/systems.yaml": "host: mended by hand\n"}


@pytest.mark.positive_control
def test_what_is_right_stays(tmp_path: Path) -> None:
    texts = home(tmp_path)
    exchange(tmp_path, texts, lambda: None)
    assert there(tmp_path) == {name: after for name, (_, after) in texts.items()}


@pytest.mark.parametrize(
    "text", ["/srv/hmis/site", "/srv/Büro 😀/site", "no", "/srv/a: b #c", '/srv/"q"\\', "/srv/{a}, b", "/srv/\x7f\u2028"]
)
def test_every_path_is_read_again_as_it_is(text: str) -> None:
    assert yaml.safe_load(f"path: {scalar(text)}\n") == {"path": text}
    assert yaml.safe_load(f"{{path: {scalar(text)}, more: 1}}\n") == {"path": text, "more": 1}


@pytest.mark.parametrize("folder", ["/srv/hmis/site", '/srv/"q" and space', "/srv/it's"])
def test_the_line_of_authorized_keys_is_whole_and_is_read_again_as_it_was_meant(folder: str) -> None:
    """sshd takes the command up to the next quotation mark that has no backslash; a shell reads what is within."""
    line = key_line("/opt/dr/bin/dr", [folder], "ssh-ed25519 AAAA")
    found = re.fullmatch(r'command="((?:[^"\\]|\\.)*)",restrict ssh-ed25519 AAAA', line)
    assert found is not None
    assert shlex.split(found[1].replace('\\"', '"')) == ["/opt/dr/bin/dr", "agent", "--only", "capture", "--root", folder]


def test_every_runbook_that_takes_the_standby_is_named_also_the_way_back() -> None:
    """One that keeps the old name is refused on the day; one of another system is not touched."""

    def takes(**defaults: str) -> Any:
        return SimpleNamespace(parameters={name: SimpleNamespace(default=value) for name, value in defaults.items()})

    books = {
        "failback": takes(system="hmis", standby="standby"),
        "nightly": takes(system="hmis"),
        "theirs": takes(system="mail", standby="standby"),
    }
    own = SimpleNamespace(runbooks=SimpleNamespace(drill={"online": "drill-online"}, recover="recover"))
    app = cast("App", SimpleNamespace(inventory=SimpleNamespace(systems={"hmis": own}), runbooks=books))
    assert naming(app, SystemName("hmis")) == ["drill-online", "failback", "recover"]
