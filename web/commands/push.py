"""`flask push-key`: a new private key for VAPID_PRIVATE_KEY."""

import click

from services.notify.push_keys import new_private_key


@click.command("push-key")
def push_key() -> None:
    """Print a new key that signs push messages, for VAPID_PRIVATE_KEY. Nothing is changed."""
    click.echo(new_private_key())
