"""What was recorded of a production host, in lines for whoever has just enrolled it: by these it is recognised ever after."""

from dr.model.record import ProductionFacts


def recognised(facts: ProductionFacts) -> list[str]:
    """A line a fact; places and numbers only."""
    server = f"{facts.address or 'this machine'}:{facts.port}" if facts.port else ""
    named = {
        "server": server,
        "data directory": facts.data_directory or "",
        "system identifier": facts.system_identifier or "",
        "SSH host keys": ", ".join(facts.host_keys),
        **{f"folder {number}" if number > 1 else "folder": str(place["path"]) for number, place in enumerate(facts.paths, 1)},
    }
    lines = [f"   {name + ':':<20}{value}" for name, value in named.items() if value]
    return ["recorded, and recognised by it ever after; nothing of dr's is ever restored there:", *lines] if lines else []
