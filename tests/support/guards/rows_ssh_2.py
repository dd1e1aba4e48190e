"""What a login may ask of `dr agent`, and what is believed of a machine that may be somebody else's by now."""

from tests.support.guards.guard import Guard, Off, guards_of

STRANGERS = "tests/faults/test_ssh_strangers.py"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/app/agent/allowed.py",
        "tests/unit/app/test_agent_allowed.py",
        Off(
            "a login does nothing but what its forced command says",
            'if not self.free and not named and not (self.commands and verb == "run"):',
            "if False:",
            "test_a_standbys_login_runs_nothing_and_reads_no_production",
        ),
        Off(
            "a login for captures does nothing else",
            "        named = any(",
            "        named = True or any(",
            f"{STRANGERS}::test_a_login_for_captures_does_nothing_else",
        ),
        Off(
            "programs are run where the forced command says so only",
            "not (self.commands and verb",
            "not (verb",
            "test_programs_are_run_where_the_forced_command_says_so_only",
        ),
        Off(
            "a login for one root knows no other",
            " or params.path != self.root):",
            "):",
            "test_a_standbys_login_is_for_that_standby",
        ),
        Off(
            "a standby's login is for no host of another role",
            '(role != "standby" or',
            "(",
            "test_a_standbys_login_is_for_that_standby",
        ),
        Off(
            "no programs of the asker's choice are run",
            "if programs is not None and programs not in _programs():",
            "if False:",
            "test_no_programs_of_the_askers_choice_are_run",
        ),
        Off(
            "a word that is no needle is not written into production",
            "if not self.free and needle is not None and not _is_needle(needle):",
            "if False:",
            "test_a_word_that_is_no_needle_is_not_written_into_production",
        ),
        Off(
            "a login for a folder reads no other",
            "if not any(real.is_relative_to(os.path.realpath(root)) for root in self.roots):",
            "if False:",
            "test_a_login_for_a_folder_reads_no_other",
        ),
        Off(
            "no link leads out of a login's folder",
            "real = Path(os.path.realpath(folder))",
            "real = Path(os.path.normpath(folder))",
            "test_a_login_for_a_folder_reads_no_other",
        ),
        Off(
            "what is proven lies on the standby",
            "if not all(Path(path).is_relative_to(os.path.realpath(self.root)) for path in named)"
            ' or told.get("host", LOOPBACK) != LOOPBACK:',
            "if False:",
            "test_what_is_proven_lies_on_the_standby",
        ),
        Off("a name leads nowhere", "if not _NAME.fullmatch(name):", "if False:", "test_a_name_leads_nowhere"),
        Off(
            "a standby is one folder",
            'if self.only != "capture" and len(self.roots) > 1:',
            "if False:",
            "test_a_standby_is_one_folder",
        ),
    ),
    *guards_of(
        "dr/hosts/identify.py",
        "tests/unit/hosts/test_host_placed.py",
        Off(
            "production behind a forwarded port is not of this machine",
            "machine() if _is_here(facts, remote=remote) else None",
            "machine()",
            "test_a_server_behind_a_forwarded_port_is_not_of_this_machine",
        ),
        Off(
            "another cluster's folder is not production's",
            "return facts.system_identifier in (None, found)",
            "return True",
            "test_a_server_behind_a_forwarded_port_is_not_of_this_machine",
        ),
    ),
    *guards_of(
        "dr/wire/openssh.py",
        "tests/unit/hosts/test_host_openssh.py",
        Off(
            "a key that would do for any machine says of none which it is",
            "if any(_is_broad(words, address.known_as) for words in lines):",
            "if False:",
            "test_a_key_that_would_do_for_any_machine_says_of_none_which_it_is",
        ),
    ),
    *guards_of(
        "dr/hosts/told.py",
        "tests/unit/hosts/test_host_told.py",
        Off(
            "what no dr writes is not recorded of production",
            "if any(pattern.fullmatch(said) is None for said, pattern in _said(facts)):",
            "if False:",
            "test_what_no_dr_writes_is_refused",
        ),
        Off(
            "a data directory that is everybody's is not recorded",
            "if facts.data_directory is not None and not _is_place(facts.data_directory):",
            "if False:",
            "test_a_data_directory_that_is_everybodys_is_refused",
        ),
        Off(
            "a folder that is not the source's own is not recorded",
            "if not all(_is_own(place, folders) for place in facts.paths):",
            "if False:",
            "test_a_folder_that_is_not_the_sources_own_is_refused",
        ),
        Off("a record that is none is refused", "if facts is None or wrong:", "if facts is None:", "test_what_no_dr_writes_is_refused"),
        Off(
            "a certificate is of this scrub",
            "(found.host, found.run, found.canaries) == (host, run, canaries) and ",
            "",
            "test_a_certificate_of_something_else_is_none",
        ),
        Off(
            "what a machine says is damaged is read here again first",
            "    return Failed(\n        f\"host '{host}' says",
            "    return said or Failed(\n        f\"host '{host}' says",
            "test_what_is_whole_when_it_is_read_here_is_not_damaged",
        ),
        Off("a certificate is signed", "    verify(found, standing.keys)\n", "", "test_a_certificate_that_nobody_signed_is_none"),
        Off(
            "a certificate is of now",
            " and abs(found.at - now) < _SKEW",
            "",
            "test_a_certificate_of_something_else_is_none",
        ),
        Off(
            "an answer is about the check that was asked for",
            "found.check != check or ",
            "",
            "test_an_answer_to_something_else_is_none",
        ),
        Off(
            "an answer is about the artifacts of the set",
            "not set(found.artifacts) <= set(artifacts) or ",
            "",
            "test_an_answer_to_something_else_is_none",
        ),
        Off(
            "a check that compares no content proves nothing",
            " or (found.proves and not proving):",
            ":",
            "test_a_check_that_proves_nothing_proves_nothing",
        ),
        Off(
            "the address and the time of what is recorded are ours to say",
            'return facts.model_copy(update={**ours, "host": host, "host_keys": tuple(host_keys)})',
            'return facts.model_copy(update={"host": host, "host_keys": tuple(host_keys)})',
            "test_name_address_time_and_keys_are_ours_to_say",
        ),
    ),
    *guards_of(
        "dr/actions/recognise.py",
        "tests/unit/actions/test_recognise.py",
        Off(
            "a machine that turned into another is not recorded by a nightly",
            "    if changed:",
            "    if False:",
            "test_a_machine_that_turned_into_another_is_told_and_not_recorded",
        ),
    ),
)
