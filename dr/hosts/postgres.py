"""How the inventory describes the PostgreSQL server of a host, whatever kind of host it is."""

from pydantic import Field

from dr.model.base import HostPath, StrictModel
from dr.model.inventory import SecretRef


class HostPostgres(StrictModel):
    """The PostgreSQL server of this host: production's, or the one that a standby will run."""

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    user: str = "postgres"
    password: SecretRef | None = None
    binaries: HostPath | None = None
    """The folder of the server's programs, where they are not found by themselves."""
    data_directory: HostPath | None = None
    """Production's; found by asking the server where it is not given."""
