"""systemd units for the nodes of a site, as text.

Each node runs as the same user, in a sandbox of its own: it writes into its own folder and nowhere else, gets no
further privileges, and does not see the keys that it has no use for. Sources: `systemd.unit(5)`, `systemd.exec(5)`,
`systemd.service(5)`, `sysusers.d(5)`, `tmpfiles.d(5)`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from network.errors import ConfigurationError

TARGET = "certledger.target"
ENVIRONMENTS = Path("/etc/certledger")
FIRST_FREE_PORT = 1024  # below, listening takes a privilege

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a node's unit says.

    Attributes:
        name: the node's, such as `peer0.city`.
        description: what it is, a few words.
        user: as whom it runs.
        arguments: the program and its arguments.
        environment: its variables.
        folder: its own folder, the only one that it writes into.
        hidden: what it must not see; what is not there does not matter.
        after: the nodes that are started before it, when they are started together.
        ports: at which it listens.
    """

    name: str
    description: str
    user: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    hidden: Sequence[Path] = ()
    after: Sequence[str] = ()
    ports: Sequence[int] = ()


def check_user(user: str) -> None:
    """Check that a system user can be called so. Raises ConfigurationError."""
    if not _USER.fullmatch(user):
        raise ConfigurationError(
            f"{user!r} is no name of a system user", "use lower-case letters, digits, hyphens and underscores"
        )


def in_a_home(path: Path) -> bool:
    """Whether a path is in somebody's home, where others may not look."""
    return any(path.is_relative_to(home) for home in _HOMES)


def unit_name(node: str) -> str:
    """The name of a node's unit."""
    return f"certledger-{node}.service"


def environment_file(node: str) -> Path:
    """Where a node's variables are on the machine that runs it."""
    return ENVIRONMENTS / f"{node}.env"


def service_unit(service: Service) -> str:
    """A node's unit."""
    capability = "CAP_NET_BIND_SERVICE" if any(port < FIRST_FREE_PORT for port in service.ports) else ""
    # Files in homes are out of reach for services; a site or programs there are read all the same.
    used = [service.folder, *(Path(one) for one in service.arguments if one.startswith("/"))]
    at_home = any(in_a_home(path) for path in used)
    before = [unit_name(one) for one in service.after]
    lines = [
        "[Unit]",
        f"Description=certledger: {_plain(service.description)}",
        "Wants=network-online.target",
        f"After={' '.join(['network-online.target', *before])}",
        f"PartOf={TARGET}",
        "# It goes on trying: what it waits for may be another organisation's.",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        f"User={service.user}",
        f"Group={service.user}",
        f"WorkingDirectory={_plain(str(service.folder))}",
        f"EnvironmentFile={_plain(str(environment_file(service.name)))}",
        f"ExecStart={' '.join([_program(service.arguments[0]), *map(_argument, service.arguments[1:])])}",
        "Restart=always",
        "RestartSec=2",
        "# What a peer has launched ends with it.",
        "KillMode=mixed",
        "TimeoutStopSec=30",
        "LimitNOFILE=65536",
        "UMask=0077",
        "",
        "ProtectSystem=strict",
        f"ReadWritePaths={_path(service.folder)}",
        *(f"InaccessiblePaths={_path(one, optional=True)}" for one in service.hidden),
        f"ProtectHome={'read-only' if at_home else 'yes'}",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "ProtectProc=invisible",
        "ProtectClock=yes",
        "ProtectHostname=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "ProtectControlGroups=yes",
        "NoNewPrivileges=yes",
        f"CapabilityBoundingSet={capability}",
        f"AmbientCapabilities={capability}",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
        "RemoveIPC=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged @resources",
        "SystemCallErrorNumber=EPERM",
        "",
        "[Install]",
        f"WantedBy={TARGET}",
    ]
    return "\n".join(lines) + "\n"


def target_unit(description: str) -> str:
    """The unit that all nodes of a site are started and stopped by."""
    return (
        f"[Unit]\nDescription=certledger: {_plain(description)}\n"
        "Wants=network-online.target\nAfter=network-online.target\n\n[Install]\nWantedBy=multi-user.target\n"
    )


def environment_text(variables: Mapping[str, str]) -> str:
    """An EnvironmentFile (`systemd.exec(5)`)."""
    lines = []
    for name, value in sorted(variables.items()):
        if "\n" in value or "\0" in value:
            raise ConfigurationError(f"the value of {name} has more than one line", "take it out of the environment")
        escaped = re.sub(r'(["\\`$])', r"\\\1", value)
        lines.append(f'{name}="{escaped}"\n')
    return "".join(lines)


def sysusers_text(user: str, home: Path) -> str:
    """The system user, for `systemd-sysusers`."""
    return f'u {user} - "certledger nodes" {_quoted(str(home))} /usr/sbin/nologin\n'


def tmpfiles_text(user: str, site: Path, folders: Sequence[Path]) -> str:
    """Whose files a site's are, for `systemd-tmpfiles`.

    Args:
        folders: the nodes' own, which are made when they are not there.
    """
    lines = [f"d {_quoted(str(one))} 0700 {user} {user} -" for one in folders]
    lines.append(f"Z {_quoted(str(site))} - {user} {user} -")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """A value that reaches to the line's end."""
    _one_line(text)
    return text.replace("%", "%%")


def _program(path: str) -> str:
    """The program of a command line: systemd takes no quotes and backslashes in its path, and reads no variables."""
    if re.search(r"""['"\\]""", path):
        raise ConfigurationError(
            f"systemd runs no program with quotes or backslashes in its path: {path}", "put it into another folder"
        )
    return _quoted(path)


def _argument(text: str) -> str:
    """An argument of a command line (`systemd.service(5)`, "Command lines")."""
    _one_line(text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[\s'\"\\;]", text) else escaped


def _path(path: Path, *, optional: bool = False) -> str:
    return _quoted(f"{'-' if optional else ''}{path}")


def _quoted(text: str) -> str:
    """A word of a list of words."""
    _one_line(text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if re.search(r"[\s'\"\\]", text) else escaped


def _one_line(text: str) -> None:
    if "\n" in text or "\0" in text:
        raise ConfigurationError(f"{text!r} cannot stand in a unit", "choose a path without line breaks")
