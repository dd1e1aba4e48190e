"""`dr schema`: what an editor needs to complete and check the files."""

from pathlib import Path

import click


@click.command()
@click.argument("name", type=click.Choice(["inventory", "runbook"]), required=False)
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write into this folder.")
@click.pass_obj
def schema(home: str | None, name: str | None, folder: Path | None) -> None:
    """JSON Schemas of the files in inventory/ and runbooks/, of every kind and action there is.

    With a name alone the schema is printed; without one both are written into the home's .schema/, which the first line of each file made
    by `dr init` names, so that an editor with a YAML language server completes and checks. In VS Code (the YAML extension) add to the
    settings: "yaml.customTags": ["!secret mapping"]

    \b
    Examples:
      dr schema
      dr schema runbook
      dr schema --to ~/schemas
    """
    from dr.app import schema as of

    if name and folder is None:
        return click.echo(of.text(name), nl=False)
    for path in of.write(folder or of.home_folder(home), name):
        click.echo(str(path))
    return None
