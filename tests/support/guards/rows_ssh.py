"""What is refused across a network: to a machine that is not ours, and by a machine to a controller that asks too much."""

from tests.support.guards.guard import Guard, Off, guards_of

STRANGERS = "tests/faults/test_ssh_strangers.py"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/hosts/desk.py",
        "tests/unit/hosts/test_host_desk.py",
        Off(
            "a host may ask only what is on the list",
            "if verb is None:",
            "if False:",
            "test_what_is_not_on_the_list_is_refused",
            by="TypeError",
        ),
        Off(
            "nothing is signed but markers", "if not self._may_be_signed(data):", "if False:", "test_nothing_is_signed_but_its_own_markers"
        ),
        Off("no other host's marker is signed", " or said.host != self._host:", ":", "test_nothing_is_signed_but_its_own_markers"),
        Off(
            "nothing is signed for a host that is no standby",
            ' or self._role != "standby"',
            "",
            "test_nothing_is_signed_for_a_host_that_is_no_standby",
        ),
        Off(
            "no other run's marker is signed",
            "isinstance(said, Standby) or said.run == self._run",
            "True",
            "test_nothing_is_signed_but_its_own_markers",
        ),
        Off(
            "no other organisation's marker is signed",
            "if not isinstance(said, ScrubCertificate) and said.organisation != self._given().organisation:",
            "if False:",
            "test_nothing_is_signed_but_its_own_markers",
        ),
        Off(
            "a host that is only read signs nothing",
            "if self._standing is None:",
            "if False:",
            "test_a_host_that_is_only_read_signs_nothing",
            by="AttributeError",
        ),
        Off(
            "without a step there is nothing to ask",
            "if self.ctx is None:",
            "if False:",
            "test_without_a_step_at_work_there_is_nothing_to_ask",
            by="AttributeError",
        ),
        Off(
            "a finding has a known severity",
            'if severity not in ("info", "warning", "critical"):',
            "if False:",
            "test_a_finding_of_no_known_severity_is_refused",
        ),
        Off(
            "a host reports no finding but its own",
            "if not self._is_own(key) or system",
            "if system",
            "test_no_finding_but_its_own_is_reported_or_closed",
        ),
        Off(
            "a host closes no findings but its own",
            "if not self._is_own(prefix):",
            "if False:",
            "test_no_finding_but_its_own_is_reported_or_closed",
        ),
        Off(
            "a host closes no finding but its own",
            "if not self._is_own(key):",
            "if False:",
            "test_no_finding_but_its_own_is_reported_or_closed",
        ),
        Off(
            "a host reports no finding of another system",
            " or system not in (None, self._told().system):",
            ":",
            "test_a_host_speaks_of_the_system_at_hand_only",
        ),
        Off(
            "a source's findings are its own",
            ' and key.split(":")[1:3] == [about.source.system, about.source.name]',
            "",
            "test_no_finding_but_its_own_is_reported_or_closed",
        ),
        Off(
            "a host hears nothing of another system",
            'if call.args["system"] != self._told().system:',
            "if False:",
            "test_a_host_speaks_of_the_system_at_hand_only",
            by="AttributeError",
        ),
        Off(
            "a host sends no artifact of another source",
            "if asked is None or (kind, source) != (asked.entry.kind, asked.name)"
            ' or not re.fullmatch(f"{asked.name}-([0-9]+|globals)", name):',
            "if False:",
            "test_an_artifact_of_another_source_is_not_taken",
        ),
        Off(
            "a host hears no secret but its own",
            "if ref not in self.secrets | self._own:",
            "if False:",
            "test_a_secret_that_is_not_its_own_is_not_told",
        ),
        Off(
            "a host reads only what it was handed",
            "if reader is None:",
            "if False:",
            "test_only_what_was_handed_over_is_read",
            by="AttributeError",
        ),
        Off(
            "bytes that nobody asked for are not kept",
            "if self.into is None:",
            "if False:",
            "test_bytes_that_nobody_asked_for_are_kept_nowhere",
            by="AttributeError",
        ),
        Off(
            "only an open artifact is described",
            "if sink is None:",
            "if False:",
            "test_bytes_that_nobody_asked_for_are_kept_nowhere",
            by="AttributeError",
        ),
    ),
    *guards_of(
        "dr/hosts/ssh_login.py",
        "tests/unit/hosts/test_host_openssh.py",
        Off(
            "a host with a host key of production's is production",
            "if set(facts.host_keys) & set(known):",
            "if False:",
            "test_a_host_with_a_key_of_productions_is_production",
        ),
    ),
    *guards_of(
        "dr/wire/openssh.py",
        "tests/unit/hosts/test_host_openssh.py",
        Off("an unknown host is not called", "if not found:", "if False:", "test_without_a_known_key_nothing_is_sent"),
        Off(
            "another host key is no matter of reaching it",
            'if "Host key verification failed" in text or "IDENTIFICATION HAS CHANGED" in text:',
            "if False:",
            "test_what_ended_a_connection_is_said_in_our_words",
        ),
        Off(
            "no unknown key is learnt",
            '"StrictHostKeyChecking": "yes"',
            '"StrictHostKeyChecking": "no"',
            "test_ssh_itself_says_that_it_is_strict",
        ),
        Off(
            "a key of the name alone does for no other port",
            '        "HostKeyAlias": address.known_as,',
            "",
            f"{STRANGERS}::test_a_key_that_is_known_for_the_name_alone_opens_no_other_port",
        ),
    ),
    *guards_of(
        "dr/wire/connection.py",
        STRANGERS,
        Off(
            "another version is refused",
            'if told.get("protocol") != PROTOCOL:',
            "if False:",
            "test_another_version_is_refused_before_anything_is_asked",
            by="KeyError",
        ),
    ),
    *guards_of(
        "dr/wire/pipes.py",
        "tests/unit/wire/test_wire_link.py",
        Off(
            "nobody sends more than there is room for",
            "if not self._room.acquire(blocking=False):",
            "if False:",
            "test_whatever_a_stranger_says_ends_the_link_and_nobody_waits[more than the window]",
        ),
    ),
    *guards_of(
        "dr/app/agent/units.py",
        "tests/faults/test_ssh_links.py",
        Off(
            "one agent at a time works on a standby",
            'raise StandbyInUse(f"another dr works on {root}", hint="wait for its run: dr runs list") from None',
            "return",
            "test_a_second_agent_waits_its_turn",
        ),
    ),
    *guards_of(
        "dr/wire/link.py",
        "tests/unit/wire/test_wire_long.py",
        Off(
            "what nobody reads any more is not written",
            'call.outlet.end(Failed("nobody reads it any more"))',
            "pass",
            "test_what_is_not_read_to_its_end_keeps_nobody_writing",
            by="Unreachable",
        ),
        Off(
            "what does not fit is never begun",
            '_fitting(as_json({"verb": verb, "args": args or {}}))',
            'as_json({"verb": verb, "args": args or {}})',
            "test_what_does_not_fit_is_never_begun",
        ),
    ),
    *guards_of(
        "dr/wire/frames.py",
        "tests/unit/wire/test_wire_frames.py",
        Off(
            "a message that is too long is not waited for",
            "length > (CHUNK if kind in (Kind.UP, Kind.DOWN) else most()):",
            "length > CHUNK * 1024:",
            "test_what_is_no_frame_is_said_before_its_payload_is_read",
        ),
    ),
    *guards_of(
        "dr/wire/pipes.py",
        "tests/unit/wire/test_wire_long.py",
        Off(
            "no more is taken as one message than was agreed on",
            "if len(found) > most:",
            "if False:",
            "test_more_than_was_agreed_on_is_refused_on_either_side",
        ),
    ),
)
