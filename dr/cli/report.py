"""`dr report RUN` and `dr report verify FILE`."""

from pathlib import Path

import click

from dr.cli.completion import known
from dr.cli.show import json_option, marked, print_json


class _Named(click.Group):
    """`dr report RUN` is short for `dr report show RUN`."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_Named)
def report() -> None:
    """The evidence of a run.

    \b
    Examples:
      dr report drill-online-20261122T030000Z-7f3a
      dr report verify evidence/drill-online-20261122T030000Z-7f3a.json
    """


@report.command()
@click.argument("run_id", metavar="RUN", shell_complete=known("runs"))
@click.option(
    "--pdf",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Print it as a PDF: to FILE, or beside the page. Needs the extra `report`.",
)
@click.option("--letter", is_flag=True, help="With --pdf: on Letter (default: A4).")
@json_option
@click.pass_obj
def show(home: str | None, run_id: str, pdf: str | None, letter: bool, as_json: bool) -> None:
    """The evidence of RUN in words, and where its pages are.

    \b
    Examples:
      dr report drill-online-20261122T030000Z-7f3a
      dr report show drill-online-20261122T030000Z-7f3a --json
      dr report drill-online-20261122T030000Z-7f3a --pdf board-meeting.pdf
    """
    import json

    from dr.app import App
    from dr.app.evidence import evidence_file, verify_evidence
    from dr.cli.run import tell

    app = App.open(home)
    record = app.run_record(run_id)
    if pdf is not None:
        from dr.app.pages import evidence_pdf

        return click.echo(f"printed: {evidence_pdf(app, record.run, Path(pdf) if pdf else None, letter=letter)}")
    if as_json:
        return print_json(json.loads(evidence_file(app, record.run, ".json").read_text(encoding="utf-8")))
    tell(app, record)
    for line in verify_evidence(app, evidence_file(app, record.run, ".json")):
        click.echo(f"   {line}")
    return None


@report.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--key", type=click.Path(exists=True, dir_okay=False), help="The public key to believe (default: the home's trusted keys).")
@click.pass_obj
def verify(home: str | None, file: str, key: str | None) -> None:
    """Check an evidence file offline: its signature, and that it says what it said. Exit code 4 if it was changed.

    \b
    Examples:
      dr report verify evidence/drill-online-20261122T030000Z-7f3a.json
      dr report verify drill-online-20261122T030000Z-7f3a.json --key signing.pub
    """
    from dr.app import verify_report

    for line in verify_report(file, key, home):
        click.echo(line)
    click.echo(marked("green", "genuine"))
