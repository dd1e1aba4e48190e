"""How OpenSSH is called: nothing that a person's own configuration could loosen, and no word that a shell would read."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.errors import ConfigError, DrError, NotProvablyStandby, Refused, Unreachable
from dr.hosts.ssh_login import SshHost, require_other_key
from dr.model.base import HostName
from dr.model.ports import Standing
from dr.model.record import ProductionFacts
from dr.wire import openssh
from dr.wire.child import output
from dr.wire.openssh import Address
from tests.support.host_world import NOW
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.unit
AT = Address("standby", "standby.example", 2200, "dr", "/home/keys/login", "/home/keys/known_hosts", 30.0)
GIVEN = {"address": "standby.example", "user": "dr", "key": "keys/login"}


def words(address: Address = AT) -> list[str]:
    return openssh.argv(address, ["/opt/dr/bin/dr", "agent"])


def effective(address: Address) -> dict[str, str]:
    """What OpenSSH itself makes of our words (ssh -G), by its own option names."""
    argv = words(address)
    done = subprocess.run([argv[0], "-G", *argv[1:]], capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


STRICT = {
    "batchmode": "yes",
    "stricthostkeychecking": "true",
    "userknownhostsfile": "/home/keys/known_hosts",
    "globalknownhostsfile": "/dev/null",
    "updatehostkeys": "false",
    "checkhostip": "no",
    "verifyhostkeydns": "false",
    "identitiesonly": "yes",
    "identityfile": "/home/keys/login",
    "identityagent": "none",
    "preferredauthentications": "publickey",
    "forwardagent": "no",
    "forwardx11": "no",
    "clearallforwardings": "yes",
    "permitlocalcommand": "no",
    "controlmaster": "false",
    "compression": "no",
    "hostkeyalias": "[standby.example]:2200",
    "hostname": "standby.example",
    "user": "dr",
    "port": "2200",
    "requesttty": "false",
    "serveraliveinterval": "10",
    "serveralivecountmax": "3",
    "connecttimeout": "15",
}


@pytest.mark.needs("ssh")
@pytest.mark.parametrize("option", STRICT)
def test_ssh_itself_says_that_it_is_strict(option: str) -> None:
    """Promise 6, as OpenSSH reads our words: nothing asked, nothing learnt, nothing offered but the one key, nothing forwarded."""
    assert effective(AT).get(option) == STRICT[option]


@pytest.mark.needs("ssh")
def test_no_configuration_of_a_person_is_read() -> None:
    assert words()[1:3] == ["-F", "none"]


@pytest.mark.needs("ssh")
@pytest.mark.parametrize("folder", ["with space", "100%d", "%h", 'quo"te', "back\\slash", "tilde~", "#hash"])
def test_files_of_any_name_are_the_files_that_were_named(folder: str) -> None:
    """Percent signs and quotes mean something to ssh; a home's name must not."""
    odd = replace(AT, known_hosts=f"/srv/{folder}/known_hosts", key=f"/srv/{folder}/login")
    found = effective(odd)
    plain = {name: found[name].removeprefix('"').removesuffix('"').replace("%%", "%") for name in ("userknownhostsfile", "identityfile")}
    assert plain == {"userknownhostsfile": odd.known_hosts, "identityfile": odd.key}


def test_the_command_is_its_last_word_after_the_address() -> None:
    """An address that looked like an option would be one; the model refuses it, and `--` stands before it."""
    assert words()[-3:] == ["--", "standby.example", "/opt/dr/bin/dr agent"]


@given(st.floats(5, 300))
def test_a_dead_link_is_found_within_the_silence(silence: float) -> None:
    said = words(replace(AT, silence=silence))
    interval = next(int(word.split("=")[1]) for word in said if word.startswith("ServerAliveInterval="))
    assert 1 <= interval * 3 <= max(3, silence)


# ---------------------------------------------------------------- names


HOSTILE = [
    "-oProxyCommand=touch /tmp/x",
    "--",
    "",
    "$(touch x)",
    "`id`",
    "a b",
    "a;id",
    "a|id",
    "a\nb",
    "a'b",
    'a"b',
    "a&b",
    "a>b",
    "é",
    "a\0b",
    "~root",
    "*",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("field", ["address", "user", "dr"])
def test_a_name_that_a_shell_or_ssh_would_read_is_no_name(field: str, name: str) -> None:
    """Refused where it is written, so it is never said to anybody."""
    with pytest.raises((ConfigError, ValueError)):
        SshHost.from_facts({**GIVEN, field: name})


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 0},
        {"port": 65536},
        {"silence": "4s"},
        {"silence": "301s"},
        {"path": "standby"},
        {"path": "~/standby"},
        {"path": "/srv/two\nlines"},
        {"key": None},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ConfigError, ValueError)):
        SshHost.from_facts({**GIVEN, **wrong})


@pytest.mark.positive_control
@pytest.mark.parametrize(
    "right",
    [
        {"address": "10.0.0.7"},
        {"address": "fe80::1"},
        {"user": "dr-standby"},
        {"dr": "/opt/dr/bin/dr"},
        {"silence": "5s"},
        {"path": "/srv/x"},
    ],
)
def test_ordinary_names_are_taken(right: dict[str, object]) -> None:
    SshHost.from_facts({**GIVEN, **right})


# ---------------------------------------------------------------- host keys


@pytest.fixture
def known(tmp_path: Path) -> Address:
    """A known_hosts with one key for port 2200 and another for port 22 of the same machine."""
    lines = []
    for name in ("[standby.example]:2200", "standby.example"):
        made = tmp_path / name.strip("[").replace("]:", "-")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", made], check=True)
        lines.append(f"{name} {' '.join(made.with_suffix(made.suffix + '.pub').read_text().split()[:2])}\n")
    (tmp_path / "known_hosts").write_text("".join(lines))
    return replace(AT, known_hosts=str(tmp_path / "known_hosts"))


@pytest.mark.needs("ssh")
def test_the_keys_of_that_port_are_known_and_no_others(known: Address) -> None:
    one, other = openssh.fingerprints(known, output), openssh.fingerprints(replace(known, port=22), output)
    assert len(one) == len(other) == 1
    assert one != other
    assert one[0].startswith("SHA256:")


@pytest.mark.needs("ssh")
def test_without_a_known_key_nothing_is_sent(known: Address, tmp_path: Path) -> None:
    """Promise 6. The way to learn one is said, and that it must be compared."""
    for address in (replace(known, port=2201), replace(known, at="another.example"), replace(AT, known_hosts=str(tmp_path / "none"))):
        with pytest.raises(Refused) as caught:
            openssh.fingerprints(address, output)
        assert caught.value.message == f"host 'standby': no SSH host key is known for {address.known_as}, so nothing is sent to it"
        assert "compare the fingerprint" in caught.value.hint


def standing(*keys: str) -> Standing:
    facts = ProductionFacts(host=HostName("production"), recorded=NOW, port=5432, host_keys=keys)
    return Standing(organisation="Harbor", keys=TestKeys(), production=(facts,))


def test_a_host_with_a_key_of_productions_is_production() -> None:
    """Whatever it is called, at whatever address and port."""
    with pytest.raises(NotProvablyStandby) as caught:
        require_other_key(HostName("standby"), ("SHA256:other", "SHA256:same"), standing("SHA256:same", "SHA256:more"))
    said = caught.value
    assert said.message == "host 'standby' may not be written to: its SSH host key is that of production host 'production'"
    assert said.hint is not None and said.hint.startswith("does `address` name the standby? If it is a clone, or was production, make it ")
    assert all(one in said.hint for one in ("ssh-keygen -A", "systemd-machine-id-setup", "an empty folder", "another name")), "all at once"


@pytest.mark.positive_control
def test_a_host_with_other_keys_is_another() -> None:
    require_other_key(HostName("standby"), ("SHA256:other",), standing("SHA256:same"))
    require_other_key(HostName("standby"), ("SHA256:other",), standing())


# ---------------------------------------------------------------- what ssh says


@pytest.mark.parametrize(
    ("said", "code", "kind", "message"),
    [
        ("Host key verification failed.\r\n", 255, NotProvablyStandby, "shows an SSH host key that is not the known one"),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n", 255, NotProvablyStandby, "so nothing was sent to it"),
        ("dr@h: Permission denied (publickey).\r\n", 255, Unreachable, "user dr is not let in with the key"),
        ("sh: 1: /opt/dr: Permission denied\n", 126, Unreachable, "user dr may not run the dr there"),
        ("bash: /opt/dr/bin/dr: /root/bin/python3: bad interpreter: Permission denied\n", -9, Unreachable, "may not run the dr there"),
        ("sh: 1: dr: not found\n", 127, Unreachable, "there is no dr where it is looked for"),
        ("sh: 1: dr: not found\n", -9, Unreachable, "there is no dr where it is looked for"),
        ("ssh: connect to host h port 22: Connection refused\r\n", 255, Unreachable, "does not answer: ssh: connect to host h port 22"),
        ("\x1b[2Jhello\n", 1, Unreachable, "does not answer: \\u001b[2Jhello"),
        ("", 255, Unreachable, "does not answer: ssh ended with exit code 255"),
        ("", -9, Unreachable, "does not answer: the link was silent for 5 s"),
    ],
)
def test_what_ended_a_connection_is_said_in_our_words(said: str, code: int, kind: type[DrError], message: str) -> None:
    error = openssh.why(AT, said.encode(), code, "the link was silent for 5 s")
    assert type(error) is kind
    assert error.message.startswith("host 'standby': ")
    assert message in error.message
    assert error.hint


def key_of(place: Path, name: str) -> str:
    """The public half of a new key, as known_hosts has it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / name], check=True)
    return " ".join((place / f"{name}.pub").read_text().split()[:2])


def known_by(place: Path, *lines: str) -> tuple[str, ...]:
    file = place / "known_hosts"
    file.write_text("".join(f"{line}\n" for line in lines))
    return openssh.fingerprints(replace(AT, known_hosts=str(file), port=22), output)


@pytest.mark.needs("ssh")
def test_a_key_that_would_do_for_any_machine_says_of_none_which_it_is(tmp_path: Path) -> None:
    """By an authority's key, or a pattern's, production too would pass for the standby, and its own key would not be among the known."""
    own, other = key_of(tmp_path, "own"), key_of(tmp_path, "other")
    for broad in ("@cert-authority *.example", "@cert-authority standby.example", "*.example", "*,!evil.example", "standby.exampl?"):
        for more in ([], [f"standby.example {own}"]):
            with pytest.raises(Refused, match=r"lets other keys than its own pass for standby\.example"):
                known_by(tmp_path, f"{broad} {other}", *more)


@pytest.mark.needs("ssh")
def test_a_revoked_key_is_none_that_the_host_may_show(tmp_path: Path) -> None:
    own, gone = key_of(tmp_path, "own"), key_of(tmp_path, "gone")
    with pytest.raises(Refused, match=r"no SSH host key is known for standby\.example"):
        known_by(tmp_path, f"@revoked standby.example {gone}")
    assert len(known_by(tmp_path, f"@revoked * {gone}", f"standby.example {own}")) == 1


@pytest.mark.needs("ssh")
@pytest.mark.positive_control
@pytest.mark.parametrize("name", ["standby.example", "STANDBY.example", "other.example,standby.example", "standby.example,*.example"])
def test_its_own_keys_are_known_as_openssh_shows_them(tmp_path: Path, name: str) -> None:
    own = key_of(tmp_path, "own")
    shown = subprocess.run(["ssh-keygen", "-l", "-f", tmp_path / "own.pub"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert known_by(tmp_path, f"{name} {own} a comment", "*.elsewhere " + own) == (shown,)
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", tmp_path / "known_hosts"], capture_output=True, check=True)
    if "*" not in name:
        assert openssh.fingerprints(replace(AT, known_hosts=str(tmp_path / "known_hosts"), port=22), output) == (shown,)
