"""Whether whoever types an answer for an office is of that office, as far as its contacts tell. Pure.

Nobody is refused for it: in a disaster whoever is left types for others. It is on record, and that office's people read it.
"""

from dr.model.inventory import Inventory


def stranger(inventory: Inventory, office: str, by: str) -> str:
    """`not of Green Bay`; nothing for somebody of it, and where none of its people has a login on record: then nobody can tell.

    `by`: as it is recorded, `ann` or `ann as dr`.
    """
    people = [contact for contact in inventory.contacts.values() if contact.office == office]
    known = {login for contact in people for login in contact.logins}
    person = by.partition(" as ")[0].strip()
    if not known or person in known:
        return ""
    elsewhere = [contact for contact in inventory.contacts.values() if person in contact.logins]
    who = f"{elsewhere[0].name}, " if elsewhere else ""
    title = inventory.offices[office].title if office in inventory.offices else office
    return f"{who}not of {title}"


def untold(inventory: Inventory) -> list[str]:
    """The offices of which nobody can tell who is of them, where it can be told of another: a list that is half written."""
    having = {contact.office for contact in inventory.contacts.values() if contact.logins}
    return [name for name in inventory.offices if having and name not in having]
