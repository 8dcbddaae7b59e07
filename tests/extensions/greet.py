"""A command: `provenance greet`."""

import click

from provenance.cli import terminal


@click.command(name="greet")
def command():
    """Say hello."""
    terminal.print_lines("hello")
    return 0
