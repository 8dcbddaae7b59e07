"""A command: `provenance greet`."""

import click

from provenance.cli import terminal


@click.command(name="greet")
def command():
    """Say hello."""
    terminal.echo("hello")
    return 0
