"""Where sets live."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/repositories/directory.py",
        "tests/contracts/test_repository_contract.py",
        Off(
            "another organisation's repository is refused",
            "if found.organisation != self._organisation:",
            "if False:",
            "test_another_organisations_is_refused",
        ),
        Off(
            "a repository of another tier is refused",
            "if found.tier != self.tier:",
            "if False:",
            "tests/integration/test_format1_faults.py::test_repositories_whose_paths_were_exchanged_are_refused",
        ),
        Off(
            "a folder of other things is not made a repository",
            "if strangers:",
            "if False:",
            "tests/integration/test_format1_directory.py::test_what_is_not_ours_is_told_apart",
        ),
        Off(
            "a pipe in an object's place is damage",
            (
                'raise Damaged(f"{where}: not a plain file") from None\n        except OSError as problem:\n            if '
                'problem.errno == errno.ELOOP:\n                raise Damaged(f"{where}: reached through a link") from '
                'None\n            raise Unreachable(f"{where}: {os.strerror(problem.errno or 0)}") from None\n\n    def '
                "listing(self, system: SystemName, set_id: SetId) -> list[str]:"
            ),
            (
                "raise\n        except OSError as problem:\n            if problem.errno == errno.ELOOP:\n                "
                'raise Damaged(f"{where}: reached through a link") from None\n            raise Unreachable(f"{where}: '
                '{os.strerror(problem.errno or 0)}") from None\n\n    def listing(self, system: SystemName, set_id: SetId) -> '
                "list[str]:"
            ),
            "tests/integration/test_format1_faults.py::test_a_damaged_object_is_named",
        ),
        Off(
            "a set that is gone is damage where it is asked for",
            "raise Damaged(f\"repository '{self.name}': set {set_id}: missing\") from None",
            "raise",
            "test_removing_leaves_a_trace_and_counts_once",
            by="Unreachable",
        ),
        Off(
            "nothing is put beside a set that is not there",
            'if not self._tree.is_file(f"{folder}/{MANIFEST}"):',
            "if False:",
            "test_small_files_beside_a_manifest_come_and_go_but_nothing_signed_does",
        ),
        Off(
            "only holds and the audit head lie beside a manifest",
            "if not is_beside(path):",
            "if False:",
            "test_small_files_beside_a_manifest_come_and_go_but_nothing_signed_does",
        ),
        Off(
            "a pipe in a stored home's place is damage",
            (
                'raise Damaged(f"{where}: not a plain file") from None\n        except OSError as problem:\n            if '
                'problem.errno == errno.ELOOP:\n                raise Damaged(f"{where}: reached through a link") from '
                'None\n            raise Unreachable(f"{where}: {os.strerror(problem.errno or 0)}") from None\n\n    def '
                "remove_home(self, name: str) -> bool:"
            ),
            (
                "raise\n        except OSError as problem:\n            if problem.errno == errno.ELOOP:\n                "
                'raise Damaged(f"{where}: reached through a link") from None\n            raise Unreachable(f"{where}: '
                '{os.strerror(problem.errno or 0)}") from None\n\n    def remove_home(self, name: str) -> bool:'
            ),
            "tests/integration/test_stored_homes.py::test_a_link_in_the_repository_is_not_followed",
        ),
    ),
    *guards_of(
        "dr/repositories/directory_identity.py",
        "tests/integration/test_format1_directory.py",
        Off(
            "a future repository is refused",
            "if isinstance(number, int) and number > FORMAT:",
            "if False:",
            "test_a_future_repository_is_refused",
            by="Damaged",
        ),
        Off(
            "a folder that is no repository is refused",
            "if root.is_dir() and any(root.iterdir()):",
            "if False:",
            "test_what_is_not_ours_is_told_apart",
            by="Unreachable",
        ),
    ),
    *guards_of(
        "dr/repositories/directory_upload.py",
        "tests/integration/test_format1_directory.py",
        Off(
            "a name that is no set's makes no folder",
            "if not SLUG.match(system) or not SET_ID.match(set_id):",
            "if False:",
            "test_names_that_could_lead_out_are_refused",
        ),
        Off(
            "a link in an upload's way is damage",
            "if problem.errno in (errno.ELOOP, errno.ENOTDIR) or isinstance(problem, NotPlainFile):",
            "if False:",
            "test_nothing_is_written_through_a_link",
            by="Unreachable",
        ),
        Off(
            "a committed set is never replaced by another",
            "if hashlib.sha256(there).digest() != hashlib.sha256(manifest).digest():",
            "if False:",
            "tests/contracts/test_repository_contract.py::test_a_commit_may_be_repeated_but_not_changed",
        ),
    ),
    *guards_of(
        "dr/repositories/tree.py",
        "tests/contracts/test_repository_contract.py",
        Off(
            "no path leads out of a repository",
            'if any(part in {"", ".", ".."} or "\\0" in part for part in parts):',
            "if False:",
            "test_no_path_leads_out",
            by="Damaged",
        ),
    ),
)
