"""What `dr reprotect` writes: all of it or nothing, and as it is read again."""

from pathlib import Path

import pytest
import yaml

from dr.app.reprotect import exchange, scalar
from dr.errors import Refused

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
