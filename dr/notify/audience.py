"""Who is meant by `to`: a contact's name, or a group that contacts belong to."""

from dr.model.inventory import Contact, Inventory


def audience(inventory: Inventory, to: str) -> dict[str, Contact]:
    """The contacts by their names, in the inventory's order; a contact's own name wins over a group's. Nobody is an empty answer."""
    if to in inventory.contacts:
        return {to: inventory.contacts[to]}
    return {name: contact for name, contact in inventory.contacts.items() if to in contact.groups}
