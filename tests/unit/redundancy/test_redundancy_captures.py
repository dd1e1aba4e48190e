"""What each kind reads in captures of it: whole, degraded, rebuilding, lost, absent, and what nobody understands."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from dr.model.base import StrictModel
from dr.model.redundancy import Half, Reading, judged
from dr.redundancy import lvm_mirror, mdraid, pair, smart, uplinks, ups_apc, ups_nut, vrrp, zfs

pytestmark = pytest.mark.unit
CORPUS = Path(__file__).resolve().parents[2] / "corpus" / "redundancy"
PARSERS: dict[str, Callable[[str], Reading]] = {
    "mdraid": mdraid.parse,
    "zfs": zfs.parse,
    "lvm-mirror": lvm_mirror.parse,
    "smart": lambda text: judged([smart.parse(text, "/dev/sda")]),
    "ups-nut": ups_nut.parse,
    "ups-apc": ups_apc.parse,
}
CAPTURES = sorted(path for kind in PARSERS for path in (CORPUS / kind).iterdir() if path.name != "SOURCES.md")


def about(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", CAPTURES, ids=about)
def test_a_capture_is_read_as_what_it_shows(path: Path) -> None:
    """The file's name begins with how the thing stands in it."""
    reading = PARSERS[path.parent.name](path.read_text(encoding="utf-8"))
    assert reading.state == path.name.partition(".")[0].partition("-")[0], (reading, path)


@pytest.mark.parametrize("kind", PARSERS)
def test_what_nobody_understands_is_never_whole(kind: str) -> None:
    """OK after checking nothing is worse than an error: nothing, noise, and half an answer are not whole."""
    for text in ("", "\n", "{}", "[]", "null", '{"report": []}', '{"pools": {}}', "OK", "\x00\xff", "Permission denied\n"):
        assert PARSERS[kind](text).state != "whole", text


@pytest.mark.parametrize("path", [path for path in CAPTURES if path.name.startswith("whole")], ids=about)
def test_a_broken_off_answer_is_not_whole_by_what_is_missing(path: Path) -> None:
    """Cut anywhere, a healthy capture is whole only by halves that are all in it; damaged anywhere, it raises nothing."""
    text, parse, chance = path.read_text(encoding="utf-8"), PARSERS[path.parent.name], random.Random(7)
    all_of_it = parse(text)
    for _ in range(60):
        cut = parse(text[: chance.randrange(len(text))])
        assert cut.state != "whole" or {half.name for half in cut.halves} <= {half.name for half in all_of_it.halves}
        at = chance.randrange(len(text))
        parse(text[:at] + chance.choice('{}[]":,U_x9 \n') + text[at + 1 :])


def test_every_source_is_named() -> None:
    """Each folder of captures says where they are from, and under which licence, or that they were made by hand."""
    for folder in CORPUS.iterdir():
        text = (folder / "SOURCES.md").read_text(encoding="utf-8").lower()
        assert "by hand" in text or "apache-2.0" in text, folder


@pytest.mark.parametrize(
    ("parse", "file", "named", "missing"),
    [
        (mdraid.parse, "mdraid/whole-two-mirrors-and-raid6.mdstat", ("md0", "md55"), "md55"),
        (zfs.parse, "zfs/whole-scrub-finished.txt", ("data", "vault"), "vault"),
        (lvm_mirror.parse, "lvm-mirror/whole.json", ("vgaaa/mirrored", "vgaaa/gone"), "vgaaa/gone"),
    ],
)
def test_what_is_named_and_not_there_is_missed(parse: Callable[..., Reading], file: str, named: tuple[str, ...], missing: str) -> None:
    """An array that is gone after a start of the machine must not make the rest whole."""
    text = (CORPUS / file).read_text(encoding="utf-8")
    assert parse(text, named[:1]).state == "whole"
    reading = parse(text, named)
    assert (reading.state, [half.name for half in reading.failing]) == ("degraded", [missing])


def test_zfs_in_json_loses_nothing_that_a_pool_is_lost_with() -> None:
    """Where small blocks and the table of copies lie is told beside the data's own groups; one disk alone is no half."""
    disks = {name: {"name": name, "state": "ONLINE"} for name in ("a", "b", "sdx")}
    mirror = {"mirror-0": {"name": "mirror-0", "state": "ONLINE", "vdevs": {name: disks[name] for name in ("a", "b")}}}
    tank = {"state": "ONLINE", "error_count": "0", "vdevs": {"tank": {"vdevs": mirror}}}
    assert zfs.parse(json.dumps({"pools": {"tank": tank}})).state == "whole"
    for part in ("special", "dedup", "logs"):
        alone = zfs.parse(json.dumps({"pools": {"tank": {**tank, part: {"sdx": disks["sdx"]}}}}))
        assert (alone.state, [half.name for half in alone.failing]) == ("degraded", ["tank sdx"]), part


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        (ups_nut.Params, {"ups": "-L"}),
        (ups_nut.Params, {"ups": "--help"}),
        (ups_apc.Params, {"server": "-f"}),
        (smart.Params, {"devices": ["--scan"]}),
        (pair.Params, {"routers": {"a": {"host": "-f"}, "b": {"host": "r2"}}}),
    ],
)
def test_no_name_is_an_option_of_the_program_that_it_is_handed_to(params: type[StrictModel], wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="pattern"):
        params.from_facts(wrong)


@pytest.mark.parametrize(
    ("params", "one", "two"),
    [
        (uplinks.Params, {"interface": "eth0"}, {"interface": "eth1"}),
        (pair.Params, {"host": "r1.example", "port": 22}, {"host": "r2.example", "port": 22}),
    ],
)
def test_one_thing_by_two_names_is_not_two(params: type[StrictModel], one: dict[str, object], two: dict[str, object]) -> None:
    """A slip of the hand, and the loss of the one that nobody asks would be told by nobody."""
    key, more = ("providers", {"targets": [{"host": "x.example"}]}) if params is uplinks.Params else ("routers", {})
    params.from_facts({key: {"a": one, "b": two}, **more})
    with pytest.raises(ValueError, match="says nothing of the other"):
        params.from_facts({key: {"a": one, "b": one}, **more})


def test_a_stripe_that_is_named_has_no_second_half() -> None:
    """RAID 0 is no redundancy, whoever calls it an array."""
    assert mdraid.parse((CORPUS / "mdraid/degraded-all-of-it.mdstat").read_text(), ("md10",)).state == "absent"


DETAIL = """\
/dev/md6:
           Version : 1.2
             State : clean, degraded
    Number   Major   Minor   RaidDevice State
       0       8        2        0      active sync   /dev/sda2
       -       0        0        1      removed

       2       8       18        -      faulty   /dev/sdb2
"""


def test_mdadm_names_the_disk_and_knows_a_removed_one() -> None:
    """mdstat knows places; who stands before the machine must know which disk to pull."""
    reading = mdraid.parse((CORPUS / "mdraid/rebuilding-recovery.mdstat").read_text(), ("md6",))
    named = mdraid.named(reading, {"md6": mdraid.parse_detail(DETAIL)})
    assert [(half.name, half.state, half.words) for half in named.halves] == [
        ("md6 sda2", "whole", "active sync"),
        ("md6 place 1", "rebuilding", "removed"),
    ]
    assert mdraid.named(reading, {}) == reading


def states(*files: str) -> dict[str, list[vrrp.Part]]:
    return {f"r{number}": vrrp.parse((CORPUS / "pair" / file).read_text()) for number, file in enumerate(files)}


@pytest.mark.parametrize("path", sorted(p for p in (CORPUS / "pair").iterdir() if p.name != "SOURCES.md"), ids=about)
def test_a_router_tells_which_part_it_plays(path: Path) -> None:
    """Numbers, words and keepalived's own account are one language; what tells nothing tells nothing."""
    told = path.name.partition("-")[0]
    assert [part.state for part in vrrp.parse(path.read_text())] == ([] if told == "untold" else [told])


@pytest.mark.parametrize(
    ("files", "state", "words"),
    [
        (("master-keepalived.data", "backup-keepalived.data"), "whole", ""),
        (("master-snmp.txt", "backup-snmp.txt"), "whole", ""),
        (("backup-snmp.txt", "backup-snmp.txt"), "degraded", "no router carries it"),
        (
            ("master-keepalived.data", "master-keepalived.data"),
            "degraded",
            "two routers believe that they carry it: they do not hear each other",
        ),
        (("master-keepalived.data", "fault-keepalived.data"), "degraded", "fault"),
        (("master-keepalived.data", "master-snmp.txt"), "degraded", "only r0 stands for it"),
        (("master-snmp.txt", "untold-snmp.txt"), "unknown", "it tells no virtual router"),
    ],
)
def test_exactly_one_of_a_pair_carries(files: tuple[str, str], state: str, words: str) -> None:
    """No master is an outage of both, two masters are a torn net; both routers answer in either case."""
    reading = pair.reached((), states(*files))
    assert reading.state == state
    assert words in {half.words for half in reading.failing} or not words


def told_by(**routers: str) -> dict[str, list[vrrp.Part]]:
    """Router to `GROUP STATE, GROUP STATE`."""
    return {name: [vrrp.Part(*part.split()) for part in said.split(", ")] for name, said in routers.items()}


def test_two_masters_of_one_address_are_no_masters_of_two() -> None:
    """As many masters as addresses: one of them is fought over, and nobody carries the other."""
    halves = vrrp.standing(told_by(left="1 master, 2 backup", right="1 master, 2 backup"))
    assert [(half.name, half.state) for half in halves if half.state != "whole"] == [
        ("the shared address 1", "degraded"),
        ("the shared address 2", "lost"),
    ]
    assert {half.state for half in vrrp.standing(told_by(left="1 master, 2 backup", right="2 master, 1 backup"))} == {"whole"}


def test_a_router_that_was_not_asked_may_be_the_one_that_carries() -> None:
    """A command for one of two: that it says backup is as it should be; no outage is made of it."""
    routers = [Half(name="left", state="whole"), Half(name="right", state="whole")]
    backup = told_by(left="1 backup")
    assert pair.reached(routers, backup).state == "whole"
    assert pair.reached([routers[0], Half(name="right", state="lost")], backup).failing[-1].words == "no router carries it"
