"""What is refused where stored bytes are kept, or decrypted, on another machine."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/hosts/desk.py",
        "tests/unit/hosts/test_host_desk.py",
        Off(
            "the key is lent for a set that was handed, and no other",
            "if self._opened is None:",
            "if False:",
            "test_the_key_and_the_stored_bytes_are_for_a_set_that_was_handed",
            by="AttributeError",
        ),
    ),
    *guards_of(
        "dr/app/agent/stored.py",
        "tests/unit/app/test_agent_stored.py",
        Off(
            "a login for one repository names no other",
            "if self._root is not None and path != self._root:",
            "if False:",
            "test_another_folder_than_the_logins_is_refused",
        ),
    ),
    *guards_of(
        "dr/repositories/ssh.py",
        "tests/unit/app/test_agent_stored.py",
        Off(
            "a file server may ask for nothing",
            'if call.verb != "failpoint":',
            "if False:",
            "test_a_file_server_may_ask_for_nothing_but_where_a_removal_stands",
        ),
    ),
)
