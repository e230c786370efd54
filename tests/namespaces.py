"""Machines of their own for sites: network namespaces that one switch connects, and nothing else (iproute2).

Nothing of them touches the machine's own network: the switch is a namespace too. Names are resolved by each namespace's
own hosts file, as `ip netns exec` puts `/etc/netns/NAME/hosts` in the place of `/etc/hosts`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex

import pytest

HOSTS = Path("/etc/netns")


def ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.decode().strip()}")


class Machines:
    """Namespaces, each with one address and one link to the switch."""

    def __init__(self, mark: str, names: Sequence[str]) -> None:
        self._mark = mark
        self._links = {name: f"v{number}" for number, name in enumerate(names)}

    def inside(self, name: str) -> tuple[str, ...]:
        """What a command begins with that runs on a machine."""
        return ("ip", "netns", "exec", f"{self._mark}-{name}")

    @contextmanager
    def cut_off(self, name: str) -> Iterator[None]:
        """While the switch does not reach a machine, which does not notice at its own end."""
        ip("-n", f"{self._mark}-switch", "link", "set", self._links[name], "down")
        try:
            yield
        finally:
            ip("-n", f"{self._mark}-switch", "link", "set", self._links[name], "up")


@contextmanager
def machines(hosts: Mapping[str, Sequence[str]]) -> Iterator[Machines]:
    """Make machines that reach each other by host names, and remove them again.

    Skips the test where that is not possible.

    Args:
        hosts: each machine's name, and the host names under which the others reach it.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux and root")
    if shutil.which("ip") is None:
        pytest.skip("network namespaces need the command `ip`: install iproute2")
    mark = f"cl{token_hex(3)}"
    made = Machines(mark, list(hosts))
    table = "127.0.0.1 localhost\n" + "".join(
        f"{_address(number)} {' '.join(names)}\n" for number, names in enumerate(hosts.values())
    )
    with ExitStack() as stack:
        try:
            _make(stack, mark, list(hosts), table)
        except OSError as error:
            pytest.skip(f"network namespaces cannot be made here: {error}")
        yield made


def _address(number: int) -> str:
    return f"10.77.0.{number + 1}"


def _make(stack: ExitStack, mark: str, names: Sequence[str], table: str) -> None:
    switch = f"{mark}-switch"
    _add(stack, switch)
    ip("-n", switch, "link", "add", "bridge", "type", "bridge")
    ip("-n", switch, "link", "set", "bridge", "up")
    for number, name in enumerate(names):
        machine, link = f"{mark}-{name}", f"v{number}"
        _add(stack, machine)
        ip("-n", switch, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", machine)
        ip("-n", switch, "link", "set", link, "master", "bridge", "up")
        ip("-n", machine, "addr", "add", f"{_address(number)}/24", "dev", "eth0")
        ip("-n", machine, "link", "set", "eth0", "up")
        (HOSTS / machine).mkdir(parents=True)
        stack.callback(shutil.rmtree, HOSTS / machine)
        (HOSTS / machine / "hosts").write_text(table, encoding="utf-8")


def _add(stack: ExitStack, namespace: str) -> None:
    ip("netns", "add", namespace)
    stack.callback(ip, "netns", "del", namespace)
    ip("-n", namespace, "link", "set", "lo", "up")
