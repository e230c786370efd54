"""Wheels of the tests' own, made without any tool: nothing is fetched."""

import base64
import io
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path


def wheel(folder: Path, name: str, files: Mapping[str, str], version: str = "1.0") -> Path:
    """Write the wheel of a distribution with these files. Source: PEP 427."""
    information = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in content.items())
    content[f"{information}/RECORD"] = f"{record}{information}/RECORD,,\n"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in content.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}-{version}-py3-none-any.whl"
    target.write_bytes(data.getvalue())
    return target


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()
