"""Promise 9: lose `dr`, restore with standard tools. The very commands of a set's RESTORE.md are run in bash."""

import re
import subprocess
from pathlib import Path

import pytest

from dr.model.backup import Manifest
from dr.stream.guide import guide
from tests.integration.test_format1_sets import World
from tests.support.stream_context import HMIS
from tests.support.stream_tars import filling, noise, tar_of

pytestmark = [pytest.mark.integration, pytest.mark.needs("age", "zstd", "tar", "bash")]


def blocks(text: str) -> list[str]:
    return re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def follow(folder: Path, key: str, out: Path, *, key_in: Path | None = None, text: str = "") -> subprocess.CompletedProcess[str]:
    """Paste every block, one after another, in the set's folder."""
    key_file = key_in or out.parent / "key.txt"
    key_file.parent.mkdir(exist_ok=True)
    key_file.write_text(f"# as age-keygen writes it\n{key}\n")
    script = "\n".join(blocks(text or (folder / "RESTORE.md").read_text()))
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "KEY": str(key_file), "OUT": str(out)}
    return subprocess.run(["bash"], input=script, cwd=folder, env=environment, text=True, capture_output=True, check=False)


def site(place: Path) -> bytes:
    """A tar stream as GNU tar writes it, with big, hostile and linked files."""
    place.mkdir()
    (place / "big.bin").write_bytes(noise(20 * 2**20, 5))
    for number in range(30):
        (place / f"client {number} \n *'\"$(touch owned)").write_bytes(noise(100_000, number))
    (place / "link").symlink_to("big.bin")
    return subprocess.run(["tar", "-c", "--format=pax", "-C", str(place), "."], check=True, capture_output=True).stdout


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("holder", ["drill", "escrow"])
def test_a_file_set_comes_back_by_following_restore_md(world: World, tmp_path: Path, holder: str) -> None:
    """With either key."""
    written = world.write({"site-00": site(tmp_path / "site")})
    key = world.keys.identity() if holder == "drill" else str(world.keys.escrow)
    done = follow(world.folder("vault", written.manifest.set), key, tmp_path / "restore" / "out")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    compared = subprocess.run(["diff", "-r", "--no-dereference", tmp_path / "site", tmp_path / "restore/out/site-00"], check=False)
    assert compared.returncode == 0
    assert '"set":"' + written.manifest.set in (tmp_path / "restore/out/index.json").read_text()
    assert not list(tmp_path.rglob("owned"))


@pytest.mark.parametrize("where", ["restored", "../restored", "../../../clear", "link/out"])
def test_clear_data_is_not_put_among_the_backups(world: World, tmp_path: Path, where: str) -> None:
    """Inside the set, or anywhere in its repository, by any name, the guide's first step refuses, and nothing is made."""
    written = world.write({"site-00": tar_of({"a": b"1"})})
    folder = world.folder("vault", written.manifest.set)
    (tmp_path / "restore").mkdir()
    (tmp_path / "restore" / "link").symlink_to(folder)
    out = tmp_path / "restore" / where if where.startswith("link") else folder / where
    before = sorted(tmp_path.rglob("*"))
    done = follow(folder, world.keys.identity(), out, key_in=tmp_path / "key.txt")
    assert (done.returncode, done.stdout) == (1, "")
    assert "OUT lies among the backups" in done.stderr
    assert sorted(path for path in tmp_path.rglob("*") if path.name != "key.txt") == before


@pytest.mark.parametrize("unsaid", ["KEY", "OUT"])
def test_the_person_says_where_the_key_and_the_place_are(world: World, tmp_path: Path, unsaid: str) -> None:
    """Nothing is guessed."""
    written = world.write({"site-00": tar_of({"a": b"1"})})
    folder = world.folder("vault", written.manifest.set)
    first = blocks((folder / "RESTORE.md").read_text())[0]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "KEY": "key", "OUT": str(tmp_path / "out")}
    del environment[unsaid]
    done = subprocess.run(["bash"], input=first, cwd=folder, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode != 0
    assert f"export {unsaid}=" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.positive_control
def test_without_that_line_clear_data_would_lie_in_the_repository(world: World, tmp_path: Path) -> None:
    """The twin: the same commands without the refusal unpack right beside the parts."""
    written = world.write({"site-00": tar_of({"a": b"1"})})
    folder = world.folder("vault", written.manifest.set)
    text = "\n".join(line for line in (folder / "RESTORE.md").read_text().splitlines() if not line.startswith("case "))
    assert follow(folder, world.keys.identity(), folder / "restored", key_in=tmp_path / "key.txt", text=text).returncode == 0
    assert (folder / "restored" / "site-00" / "a").read_bytes() == b"1"


def test_its_check_names_a_part_that_is_not_what_was_signed(world: World, tmp_path: Path) -> None:
    written = world.write({"site-00": tar_of({"a": noise(5 * 2**20, 1), "b": b"1"})})
    folder = world.folder("vault", written.manifest.set)
    part = folder / "site-00/000000.zst.age"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    done = follow(folder, world.keys.identity(), tmp_path / "restore" / "out")
    assert done.stdout == "NOT WHAT WAS SIGNED: ./site-00/000000.zst.age\n"
    assert done.returncode != 0


def test_a_broken_part_in_the_middle_stops_it(world: World, tmp_path: Path) -> None:
    """A half restored tree that looks finished would be worse than none."""
    written = world.write({"site-00": tar_of({"a": noise(5 * 2**20, 1), "b": noise(5 * 2**20, 2)})})
    folder = world.folder("vault", written.manifest.set)
    (folder / "site-00/000000.zst.age").write_bytes(b"")
    assert follow(folder, world.keys.identity(), tmp_path / "restore" / "out").returncode != 0


def test_databases_come_after_their_roles_and_name_their_tools(world: World) -> None:
    """The commands for PostgreSQL's own tools, in the order that works."""
    tar = tar_of({"dump/toc.dat": b"1"})
    manifest = world.sets.write(
        system=HMIS,
        set_id=world.id(),
        run="r",  # type: ignore[arg-type]
        created=world.ctx.clock.now(),
        to=[world.online],
        needle=None,
        fill=filling({"hmis-00": tar, "hmis-01": tar, "hmis-globals": tar}, kind="postgres_logical", source="hmis"),
        ctx=world.ctx.step,
    ).manifest
    text = guide(manifest).decode()
    steps = [re.search(r"(?m:^psql .*)|unpack [a-z0-9-]+|(?m:^  pg_restore .*)", block) for block in blocks(text)]
    assert [step.group(0).strip() for step in steps if step] == [
        "unpack index",
        "unpack hmis-globals",
        'psql --no-psqlrc --quiet --dbname=postgres --file="$OUT/hmis-globals/others.sql"',
        "unpack hmis-00",
        'pg_restore --exit-on-error --dbname="$NAME" "$OUT/hmis-00/dump"',
        "unpack hmis-01",
        'pg_restore --exit-on-error --dbname="$NAME" "$OUT/hmis-01/dump"',
    ]
    assert subprocess.run(["bash", "-n"], input="\n".join(blocks(text)), text=True, check=False).returncode == 0


def test_the_guide_is_bound_by_the_manifest_that_it_describes(world: World) -> None:
    written = world.write({"site": tar_of({"a": b"1"})})
    bare: Manifest = written.manifest.model_copy(update={"guide": None})
    assert (world.folder("online", written.manifest.set) / "RESTORE.md").read_bytes() == guide(bare)
