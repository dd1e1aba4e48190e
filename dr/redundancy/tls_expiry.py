"""`tls-expiry`: the certificate at a host's port is believed, bears its name, and will be good for long enough still."""

from pathlib import Path
from typing import Any

from dr.drivers.net.link import Place, linked
from dr.drivers.net.named import Certificate
from dr.drivers.net.tls import certificate, secured, trust
from dr.errors import Failed
from dr.model.base import StrictModel
from dr.model.ports import Looking
from dr.model.redundancy import Half, Reading, judged
from dr.units import show_duration

Params = Certificate


def left(seconds: float, params: Params) -> Half:
    """The certificate by how long it is good for still."""
    said = f"good for {show_duration(seconds)} more" if seconds > 0 else "it has expired: renew it"
    state = "lost" if seconds <= 0 else "degraded" if seconds < params.at_least else "whole"
    return Half.from_facts({"name": "certificate", "state": state, "words": said})


class TlsExpiry:
    """ports.Redundant."""

    kind = "tls-expiry"
    params: type[StrictModel] = Params

    def look(self, params: Any, at: Looking) -> Reading:
        place = Place(params.host, params.port)
        believed = trust(None if params.ca is None else Path(at.home) / params.ca)
        try:
            with linked(place, params.timeout, at.stop) as link, secured(link, place, params.name or params.host, believed) as session:
                seconds = (certificate(session).expires - at.clock.now()).total_seconds()
        except Failed as error:  # it answers, and shows what nobody should believe
            return judged([Half(name="certificate", state="lost", words=error.message)], str(place))
        return judged([left(seconds, params)], str(place))


WATCH = TlsExpiry()
