"""How a person writes whom to speak with, and for how long."""

from typing import Annotated

from pydantic import Field, StringConstraints

from dr.model.base import Duration, Seconds, StrictModel

NetworkHost = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]([0-9A-Za-z._:-]{0,252})$")]
"""A DNS name or an address, as this machine's resolver takes it; not a host of the inventory."""
Port = Annotated[int, Field(ge=1, le=65535)]
Patience = Annotated[Duration, Field(gt=0, le=600)]
"""In all, from the look-up of the name to the last byte."""
PATIENCE = Seconds(10.0)


class Certificate(StrictModel):
    """Which certificate is looked at, and how long it must be good for still."""

    host: NetworkHost
    port: Port = 443
    name: NetworkHost | None = None
    """The name that the certificate must bear; else the host's."""
    at_least: Duration = Seconds(21 * 86400.0)
    """How long it must be good for still."""
    ca: str | None = None
    """A PEM file with the authority to believe instead of this machine's; relative to the home."""
    timeout: Patience = PATIENCE
