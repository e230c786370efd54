"""One line on the terminal that tells how far a long command is."""

import sys
import time
from dataclasses import dataclass, field

import click

from cli.language import tr

_EVERY = 0.2  # seconds


@dataclass
class ProgressLine:
    """A line that is written over and over. Where messages do not go to a terminal there is none."""

    _begun: float = field(default_factory=time.monotonic)
    _shown: float = 0.0
    _what: str = ""

    def show(self, what: str, done: int, total: int, count: int) -> None:
        """Tell how far it is.

        Args:
            what: the part of the work.
            done, total: of this part; the total is 0 where nobody knows it.
            count: what has been dealt with so far; the rate is of this.
        """
        now = time.monotonic()
        if not sys.stderr.isatty() or (what == self._what and now - self._shown < _EVERY):
            return
        self._shown, self._what = now, what
        passed = max(now - self._begun, 0.001)
        text = f"{what}  {count:,}  {tr('{rate} a second', rate=f'{count / passed:,.0f}')}"
        if 0 < done < total:
            text += (
                f"  {100 * done / total:.0f} %  {tr('{seconds} s left', seconds=round(passed * (total - done) / done))}"
            )
        click.echo(f"\r\033[K{text}", err=True, nl=False)

    def clear(self) -> None:
        """Take the line away."""
        if self._what:
            click.echo("\r\033[K", err=True, nl=False)
            self._what = ""
