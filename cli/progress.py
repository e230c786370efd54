"""One line on the terminal that tells how far a long command is."""

import sys
import time
from dataclasses import dataclass, field

import click

from cli.language import tr

_EVERY = 0.2  # seconds


@dataclass
class ProgressLine:
    """A line that is written over and over. Where messages do not go to a terminal there is none.

    The rate and the time left are those of the present part of the work, and of what this command does of it.
    """

    _begun: float = field(default_factory=time.monotonic)
    _part: tuple[str, tuple[int, int]] | None = None
    _from: tuple[int, int] = (0, 0)
    _shown: float = 0.0
    _what: str = ""

    def show(self, what: str, done: int, total: int, count: int, before: tuple[int, int] = (0, 0)) -> None:
        """Tell how far it is.

        Args:
            what: the part of the work. The first one begins with the line, another one with its first call.
            done, total: of this part; the total is 0 where nobody knows it.
            count: what has been dealt with so far; the rate is of this.
            before: how much of done and count an earlier command did.
        """
        if not sys.stderr.isatty():
            return
        now = time.monotonic()
        part = what, before
        if part != self._part:
            if self._part is not None or before != (0, 0):
                self._begun, self._from = now, (done, count)
            self._part = part
        if what == self._what and now - self._shown < _EVERY:
            return
        self._shown, self._what = now, what
        passed, did, counted = now - self._begun, done - self._from[0], count - self._from[1]
        text = f"{what}  {count:,}"
        if passed > 0 and counted > 0:
            text += f"  {tr('{rate} a second', rate=_rate(counted / passed))}"
        if 0 < done < total:
            text += f"  {100 * done / total:.0f} %"
        if did > 0 and done < total:
            text += f"  {tr('{seconds} s left', seconds=round(passed * (total - done) / did))}"
        click.echo(f"\r\033[K{text}", err=True, nl=False)

    def clear(self) -> None:
        """Take the line away."""
        if self._what:
            click.echo("\r\033[K", err=True, nl=False)
            self._what = ""


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
