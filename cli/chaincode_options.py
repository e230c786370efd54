"""The options that chaincode commands share: a chaincode's definition, and what a package is made of."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cli.language import tr

Command = Callable[..., Any]

FILE = click.Path(path_type=Path)


def definition_options(*, sequence: bool = True) -> Callable[[Command], Command]:
    """Give a command NAME and the options of its definition, as the argument `stated`.

    Args:
        sequence: whether the sequence can be named.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapped(
            *arguments: object,
            name: str,
            version: str,
            signature_policy: str,
            channel_config_policy: str,
            collections_config: Path | None,
            init_required: bool,
            sequence: int | None = None,
            **options: object,
        ) -> object:
            from network.lifecycle.definition import Stated

            stated = Stated(
                name=name,
                version=version,
                policy=signature_policy,
                channel_policy=channel_config_policy,
                collections=collections_config,
                init_required=init_required,
                sequence=sequence or 0,
            )
            return command(*arguments, stated=stated, **options)

        for option in reversed(
            (
                click.argument("name"),
                click.option("--version", default="1", show_default=True, help="The definition's version."),
                *([_SEQUENCE] if sequence else []),
                click.option(
                    "--signature-policy",
                    "--policy",
                    default="",
                    metavar="POLICY",
                    help="The endorsement policy in Fabric's notation (default: the channel's).",
                ),
                click.option(
                    "--channel-config-policy",
                    default="",
                    metavar="PATH",
                    help="The endorsement policy by the path of one of the channel's.",
                ),
                click.option(
                    "--collections-config",
                    "--collections",
                    type=FILE,
                    metavar="FILE",
                    help="Private data: a collections_config.json.",
                ),
                click.option(
                    "--init-required", is_flag=True, help="It must be initialised first, once for each version."
                ),
            )
        ):
            wrapped = option(wrapped)
        return wrapped

    return decorate


_SEQUENCE = click.option(
    "--sequence",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="The definition's sequence (default: the next; that in force, where it asks for the same).",
)


def source_options(command: Command) -> Command:
    """Give a command the options that say what a package is made of, as the argument `source`."""

    @functools.wraps(command)
    def wrapped(
        *arguments: object,
        address: str | None,
        source: Path | None,
        tls_root: Path | None,
        tls_client_key: Path | None,
        tls_client_cert: Path | None,
        dial_timeout: str | None,
        **options: object,
    ) -> object:
        from network.lifecycle.packaging import FolderSource, ServiceSource
        from node_client.protocol.chaincode_package import DIAL_TIMEOUT

        if (address is None) == (source is None):
            raise click.UsageError(tr("say where a service is with --address, or name a folder with --source"))
        if source is not None:
            if tls_root or tls_client_key or tls_client_cert or dial_timeout:
                raise click.UsageError(tr("TLS and the dial timeout are for a service: they go with --address"))
            return command(*arguments, source=FolderSource(source), **options)
        service = ServiceSource(
            address=address or "",
            root=tls_root,
            client_key=tls_client_key,
            client_certificate=tls_client_cert,
            dial_timeout=dial_timeout or DIAL_TIMEOUT,
        )
        return command(*arguments, source=service, **options)

    for option in reversed(
        (
            click.option(
                "--address", metavar="HOST:PORT", help="Where the chaincode serves, for one that is a service."
            ),
            click.option(
                "--source", type=FILE, metavar="FOLDER", help="Its code, for one in Python that peers launch."
            ),
            click.option("--tls-root", type=FILE, metavar="FILE", help="The CA certificate of a service with TLS."),
            click.option("--tls-client-key", type=FILE, metavar="FILE", help="The key with which peers dial it."),
            click.option("--tls-client-cert", type=FILE, metavar="FILE", help="The certificate of that key."),
            click.option(
                "--dial-timeout", metavar="TIME", help="How long peers wait for it, such as 10s (the default)."
            ),
        )
    ):
        wrapped = option(wrapped)
    return wrapped
