"""Schedules as systemd's timers and as a cron line."""

import shlex

import pytest

from dr.errors import ConfigError
from dr.timers.calendar_events import calendar_events
from dr.timers.cron import cron_file, cron_line
from dr.timers.units import Place, Scheduled, quoted, units

pytestmark = pytest.mark.unit
PLACE = Place("/opt/dr/bin/dr", "/srv/dr", user="backup")
NIGHTLY = Scheduled("nightly", "Nightly backup", "0 1 * * *")


@pytest.mark.parametrize(
    ("cron", "events"),
    [
        ("0 1 * * *", ["*-*-* 01:00:00"]),
        ("0 3 * * SUN", ["Sun *-*-* 03:00:00"]),
        ("0 3 * * 0,7", ["Sun *-*-* 03:00:00"]),
        ("0 5 1 * *", ["*-*-01 05:00:00"]),
        ("*/30 8,9 * 1-3 MON-FRI", ["Mon,Tue,Wed,Thu,Fri *-01,02,03-* 08,09:00,30:00"]),
        ("0 4 1,15 * FRI", ["*-*-01,15 04:00:00", "Fri *-*-* 04:00:00"]),
        ("30 2 L * *", ["*-*-* 02:30:00"]),
        ("0 2 * * MON#2", ["*-*-* 02:00:00"]),
    ],
)
def test_a_schedule_as_systemd_says_it(cron: str, events: list[str]) -> None:
    """A day of the month or a weekday are two events; what systemd cannot say comes every day, and dr decides."""
    assert calendar_events(cron, "America/Chicago") == [f"{event} America/Chicago" for event in events]


def test_each_schedule_has_a_timer_and_a_service_and_one_more_looks_for_what_was_missed() -> None:
    made = units(PLACE, [NIGHTLY], "America/Chicago")
    assert sorted(made) == [f"dr-{name}.{kind}" for name in ("carry-notices", "catch-up", "nightly") for kind in ("service", "timer")]
    assert 'ExecStart="/opt/dr/bin/dr" "--home" "/srv/dr" "notices" "carry" "--quiet"' in made["dr-carry-notices.service"]
    assert "OnUnitActiveSec=1min" in made["dr-carry-notices.timer"]
    assert "Persistent=true" in made["dr-nightly.timer"]
    assert 'ExecStart="/opt/dr/bin/dr" "--home" "/srv/dr" "schedule" "run" "nightly"' in made["dr-nightly.service"]
    assert "User=backup" in made["dr-nightly.service"]
    assert "OnUnitActiveSec=1h" in made["dr-catch-up.timer"]
    assert all(text.startswith("# Written by `dr schedule install` for the home /srv/dr\n") for text in made.values())


def test_a_hostile_name_stays_one_argument() -> None:
    assert quoted('a "b" $HOME %h \\') == '"a \\"b\\" $$HOME %%h \\\\"'


@pytest.mark.parametrize("title", ["ends in \\", "two\nExecStart=/bin/x", "100% \x07 \\ \\", "\x85[Service]\u2028User=root"])
def test_a_hostile_title_stays_one_line_of_its_own(title: str) -> None:
    """No line of it becomes a setting, and it takes no line for its own: a backslash at the end would."""
    texts = units(PLACE, [Scheduled("nightly", title, "0 1 * * *")], "UTC")
    plain = units(PLACE, [NIGHTLY], "UTC")
    for name, text in texts.items():
        assert text.isascii()
        assert [line.partition("=")[0] for line in text.splitlines()] == [line.partition("=")[0] for line in plain[name].splitlines()]
        assert not any(line.endswith("\\") for line in text.splitlines())


@pytest.mark.parametrize("place", [Place('/opt/"x"/dr', "/srv/dr"), Place("/opt/$x/dr", "/srv/dr"), Place("/opt/dr", "/srv/d\nr")])
def test_a_path_that_no_unit_can_hold_is_refused(place: Place) -> None:
    with pytest.raises(ConfigError, match="cannot stand in a unit file"):
        units(place, [NIGHTLY], "UTC")


def test_the_cron_line_is_one_command_whatever_the_home_is_called() -> None:
    """A bare % ends a command in a crontab; everything else is the shell's."""
    line = cron_line(Place("/opt/dr", "/srv/d r; $(x) 100%"), system_wide=False)
    assert line.startswith("*/5 * * * * ")
    assert line.endswith("\n")
    said = line.removeprefix("*/5 * * * * ").replace("\\%", "%")
    assert shlex.split(said) == ["/opt/dr", "--home", "/srv/d r; $(x) 100%", "schedule", "run", "--due", "--quiet"]


def test_the_cron_file_names_its_user_and_its_home() -> None:
    first, second, third = cron_file(PLACE).splitlines()
    assert third == "* * * * * backup /opt/dr/bin/dr --home /srv/dr notices carry --quiet"
    assert first.endswith("the home /srv/dr")
    assert second.startswith("*/5 * * * * backup /opt/dr/bin/dr ")


def test_a_line_break_is_no_part_of_a_cron_line() -> None:
    with pytest.raises(ConfigError, match="line breaks"):
        cron_line(Place("/opt/dr", "/srv/a\n* * * * * rm"), system_wide=True)
