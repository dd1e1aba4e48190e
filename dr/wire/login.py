"""How the inventory says that a machine is reached over SSH: the same words for a host and for a repository."""

import re
from pathlib import Path

from pydantic import Field, field_validator

from dr.model.base import Duration, HostPath, Seconds, StrictModel
from dr.wire.openssh import Address

_PROGRAM = re.compile(r"/?[A-Za-z0-9_][A-Za-z0-9_./-]*")


class Login(StrictModel):
    """One login on one machine."""

    address: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}$")
    port: int = Field(default=22, ge=1, le=65535)
    user: str = Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")
    key: HostPath
    """The private key that dr logs in with: a file of the controller's, below the home or absolute."""
    known_hosts: HostPath = HostPath("keys/known_hosts")
    """The host keys that are believed; no other file is read."""
    dr: str = "dr"
    """The program on that machine: a name in its PATH, or a path."""
    sudo: bool = False
    """Whether it is started with `sudo -n`."""
    silence: Duration = Field(default=Seconds(30), ge=5, le=300)
    """Seconds without a sign of life after which the link is dead and what was done there is ended."""
    path: HostPath | None = None
    """What it is for there: the standby's root, a folder to protect, the repository's folder."""

    @field_validator("dr")
    @classmethod
    def _plain(cls, program: str) -> str:
        if not _PROGRAM.fullmatch(program):
            raise ValueError(f"'{program}' is no plain path of a program")
        return program

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: HostPath | None) -> HostPath | None:
        if path is not None and not path.startswith("/"):
            raise ValueError(f"'{path}' is not absolute, as a path on another machine must be")
        if path is not None and not path.isprintable():  # PostgreSQL's postmaster.pid is read by lines, and says where the data is
            raise ValueError("the path holds a line break or another character that does not show")
        return path

    def reached(self, name: str, home: str) -> Address:
        """Where and how, for ssh; files are below the home unless they are absolute."""
        return Address(
            host=name,
            at=self.address,
            port=self.port,
            user=self.user,
            key=str(Path(home, self.key).absolute()),
            known_hosts=str(Path(home, self.known_hosts).absolute()),
            silence=float(self.silence),
        )

    def machine(self) -> str:
        """Which machine it is, as far as the text tells: two that are written alike are one."""
        return f"{self.address.lower()}:{self.port}"

    def command(self) -> list[str]:
        """What is started there: words without a character that a shell knows."""
        return [*(["sudo", "-n"] if self.sudo else []), self.dr, "agent"]
