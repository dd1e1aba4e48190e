"""`dr verify`: what is asked for is clear, or refused before anything runs; a sabotage that one mutant passes is red."""

import pytest
from click.testing import CliRunner

from dr.app.sabotage import Sabotaged, Tally
from dr.cli.backups import backups
from dr.cli.verify import _tell, verify
from dr.errors import ConfigError

pytestmark = pytest.mark.unit


def test_it_is_one_command_under_two_names() -> None:
    assert backups.commands["verify"] is verify


@pytest.mark.parametrize(
    "words",
    [["--all", "--sample", "5m"], ["20261122T070000Z-7f3a9c", "--all"], ["--set", "20261122T070000Z-7f3a9c", "--sample", "5m"]],
)
def test_two_ways_of_choosing_are_refused(words: list[str]) -> None:
    result = CliRunner().invoke(verify, words)
    assert isinstance(result.exception, ConfigError)
    assert str(result.exception) == "--all, --sample and one set exclude each other\n   HINT: choose one of them"


def test_a_budget_that_is_no_duration_is_refused() -> None:
    result = CliRunner().invoke(verify, ["--sample", "twenty"])
    assert isinstance(result.exception, ConfigError)
    assert "for example --sample 20m" in result.exception.hint


def test_what_was_missed_is_shown_with_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """So that it can be done again."""
    _tell(Sabotaged("S", "vault", 7, [Tally("a flipped bit in part", 3, 2, 1, ["7:0:1", "7:0:2"])], 10, ["damaged: x"]))
    text = capsys.readouterr().out
    assert "a flipped bit in part  3        2      1      7:0:1 7:0:2" in text
    assert "FAIL  copies of S (vault), seed 7: 3 damaged, 2 found," in text
    assert "   1 with the damaged object named; 10 looks at undamaged ones, 1 false alarms" in text
    assert "   false alarm: damaged: x" in text
