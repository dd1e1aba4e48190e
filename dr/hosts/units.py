"""How long work on a standby across a network is named, so that it outlives a lost link and is taken up again."""

import hashlib
import hmac

from dr.model.base import RunId
from dr.model.ports import HostRequest, Standing
from dr.wire.rejoin import Unit


def unit_of(request: HostRequest, standing: Standing, run: RunId) -> Unit | None:
    """Of the step that the host is opened for; None where none is, or where nothing is to outlive its link.

    The token is made of the run and of the home's digest key, which no rotation replaces: whoever resumes the run knows it, nobody else.
    """
    settings = request.params
    if request.step is None or not settings.rejoin or settings.path is None:
        return None
    said = "\0".join(("dr unit", request.name, run, request.step))
    token = hmac.new(standing.keys.digest_key(), said.encode("utf-8"), hashlib.sha256).hexdigest()
    return Unit(name=f"{run}-{request.step}", run=run, root=settings.path, token=token, rejoin=float(settings.rejoin))
