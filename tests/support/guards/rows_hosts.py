"""What may be written to, what is removed, and what is looked for afterwards."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/hosts/canaries.py",
        "tests/integration/test_host_drills.py",
        Off(
            "a scrub certificate's signature is checked",
            "keys.verify(signed_bytes(certificate), base64.b64decode(certificate.signature))",
            "pass",
            "test_the_scrub_removes_signs_and_can_be_repeated",
        ),
        Off(
            "a canary in a file's name is found",
            "found |= {canary for canary in canaries - found if canary in path}",
            "pass",
            "test_a_canary_that_is_left_is_counted",
        ),
        Off(
            "a canary across two blocks is found",
            'before = window[-overlap:] if overlap else b""',
            'before = b""',
            "test_a_canary_that_is_left_is_counted",
        ),
    ),
    *guards_of(
        "dr/hosts/enrol.py",
        "tests/integration/test_host_guard.py",
        Off(
            "a place with a reason against it is not enrolled",
            ("if problems:\n        raise Refused(f\"host '{target.name}' is not enrolled{because(problems)}\", hint=problems[0].hint)"),
            ("if False:\n        raise Refused(f\"host '{target.name}' is not enrolled{because(problems)}\", hint=problems[0].hint)"),
            "test_a_place_that_is_not_empty_is_not_enrolled",
        ),
        Off("a place that is not empty is not enrolled", "if strange:", "if False:", "test_a_place_that_is_not_empty_is_not_enrolled"),
    ),
    *guards_of(
        "dr/hosts/guard.py",
        "tests/unit/hosts/test_host_judge.py",
        Off(
            "a link is no standby's root",
            "if stat.S_ISLNK(at.st_mode):",
            "if False:",
            "tests/integration/test_host_guard.py::test_a_symbolic_link_as_root_is_refused",
        ),
        Off(
            "a root that others can write to is refused",
            "if at.st_mode & 0o022:",
            "if False:",
            "tests/integration/test_host_guard.py::test_a_root_that_others_can_write_to_is_refused",
        ),
        Off(
            "production must be on record before anything is written to",
            "        *_record(standing),\n",
            "",
            "tests/integration/test_host_guard.py::test_an_unrecorded_production_is_refused",
        ),
        Off(
            "only a host whose role is standby is written to",
            "        *_role(seen),\n",
            "",
            "tests/integration/test_host_guard.py::test_a_host_with_another_role_is_refused",
        ),
        Off(
            "only a place with the signed marker is written to",
            "        *_marker(seen, standing),\n",
            "",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "no place that shares anything with production is written to",
            "        *_production(seen, off_limits),\n",
            "",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "no place that holds what dr did not put there is written to",
            "        *_foreign(seen),\n",
            "",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "no place whose port somebody else serves is written to",
            "        *_port(seen, off_limits, tidying),\n",
            "",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "a record by which nothing could be recognised is none",
            "if not known:",
            "if False:",
            "tests/integration/test_host_guard.py::test_an_unrecorded_production_is_refused",
        ),
        Off(
            "every production host of the inventory must be on record",
            "missing = [name for name in standing.expected if name not in known]",
            "missing: list[str] = []",
            "tests/integration/test_host_guard.py::test_every_production_host_of_the_inventory_must_be_recorded",
        ),
        Off("a root that is no private folder of ours is refused", "if seen.unfit:", "if False:", "test_each_wrong_fact_alone_is_a_reason"),
        Off("a standby in service is never written to again", "if seen.in_service:", "if False:", "test_each_wrong_fact_alone_is_a_reason"),
        Off("a wrong marker is a reason", "if wrong:", "if False:", "test_each_wrong_fact_alone_is_a_reason"),
        Off(
            "a link where a folder belongs is a reason",
            'return [Problem(f"{where}: {link} is a symbolic link", "remove the link") for link in seen.content.astray]',
            "return []",
            "tests/integration/test_host_guard.py::test_a_symbolic_link_below_the_root_is_refused",
        ),
        Off("a missing marker is a reason", "if said is None:", "if False:", "test_each_wrong_fact_alone_is_a_reason", by="AttributeError"),
        Off(
            "another organisation's standby is not ours",
            "if said.organisation != standing.organisation:",
            "if False:",
            "tests/integration/test_host_guard.py::test_a_marker_of_another_organisation_is_refused",
        ),
        Off(
            "another host's marker is not this one's",
            "if said.host != seen.target.name:",
            "if False:",
            "tests/integration/test_host_guard.py::test_a_marker_of_another_host_is_refused",
        ),
        Off(
            "a marker that was carried to another folder is none",
            "if (said.device, said.inode) != seen.root:",
            "if False:",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "production's folders are known by device and inode",
            "hosts = {off_limits.folders[one] for one in (*seen.above, *seen.content.folders) if one in off_limits.folders}",
            "hosts: set[str] = set()",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "a standby inside production's folder is refused",
            "hosts = {off_limits.folders[one] for one in (*seen.above, *seen.content.folders) if one in off_limits.folders}",
            "hosts = {off_limits.folders[one] for one in seen.content.folders if one in off_limits.folders}",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "production's folders are known by their path",
            "hosts |= {host for path, host in off_limits.paths.items() if seen.real and overlap(path, seen.real)}",
            "pass",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "a cluster that bears production's system identifier is a reason",
            "clusters = [off_limits.identifiers[one] for one in seen.content.identifiers if one in off_limits.identifiers]",
            "clusters: list[str] = []",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "what is mounted below a standby is a reason",
            "return mounted + foreign",
            "return foreign",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "what nobody claimed below a standby is a reason",
            "return mounted + foreign",
            "return mounted",
            "tests/integration/test_host_guard.py::test_what_dr_did_not_put_there_is_refused_by_name",
        ),
        Off("production's port is a reason", "if port in off_limits.ports:", "if False:", "test_each_wrong_fact_alone_is_a_reason"),
        Off(
            "a server that dr did not start is a reason",
            "if len(ours) < len(seen.listening) and not _has_place(seen, tidying):",
            "if False:",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "any foreign session or replication is a reason",
            "if found.foreign or found.streaming:",
            "if False:",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "a server of ours that nobody may look into is not taken for an idle one",
            "return found or unnamed(target.port)",
            "return found or Sessions()",
            "tests/integration/test_host_drills.py::test_a_server_that_somebody_put_to_use_by_hand_is_not_wiped",
        ),
        Off(
            "sessions of strangers are a reason",
            "if found.foreign or found.streaming:",
            "if found.streaming:",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "replication from or to a standby is a reason",
            "if found.foreign or found.streaming:",
            "if found.foreign:",
            "test_each_wrong_fact_alone_is_a_reason",
        ),
        Off(
            "no writable handle while there is a reason against it",
            "if problems:",
            "if False:",
            "tests/contracts/test_host_contract.py::test_no_writable_handle_before_enrolment",
        ),
    ),
    *guards_of(
        "dr/hosts/local.py",
        "tests/integration/test_host_guard.py",
        Off(
            "a standby without a folder is not written to",
            "if settings.path is None:",
            "if False:",
            "test_a_standby_without_a_folder_is_refused",
            by="TypeError",
        ),
        Off(
            "only production and standby hosts are enrolled",
            (
                'if request.role != "production":\n        raise Refused(f"host \'{request.name}\' has role '
                '\'{request.role}\'", hint="only production and standby hosts are enrolled")'
            ),
            (
                "if False:\n        raise Refused(f\"host '{request.name}' has role '{request.role}'\", hint=\"only production "
                'and standby hosts are enrolled")'
            ),
            "test_a_wrong_place_is_not_enrolled",
            by="Unreachable",
        ),
    ),
    *guards_of(
        "dr/hosts/marker.py",
        "tests/unit/hosts/test_host_judge.py",
        Off(
            "what dr did not write is no marker",
            'raise Damaged(f"{name} is not what dr writes") from None',
            "raise",
            "test_whatever_else_is_there_is_damaged",
            by="JSONDecodeError",
        ),
        Off(
            "a marker's signature is checked",
            '        keys.verify(canonical(outer["signed"]), signature)',
            "        pass",
            "test_an_altered_marker_is_damaged",
        ),
        Off(
            "a marker is not read through a link",
            "os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK",
            "os.O_RDONLY | os.O_NONBLOCK",
            "test_a_linked_marker_is_damaged",
        ),
        Off(
            "a linked marker is none",
            'raise Damaged(f"{name} cannot be opened as a plain file ({os.strerror(error.errno or 0)})") from None',
            "raise",
            "test_a_linked_marker_is_damaged",
            by="OSError",
        ),
        Off("a marker is not read at any size", "if len(data) > MOST:", "if False:", "test_what_is_no_marker_is_not_read_at_any_size"),
        Off(
            "a pipe or a folder is no marker",
            'raise Damaged(f"{name} is not a plain file")',
            "return None",
            "test_what_is_no_marker_is_not_read_at_any_size",
        ),
    ),
)
