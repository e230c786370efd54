"""The registry's deployment: what every organisation installs, approves and runs."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping

REGISTRY = "registry"
LABEL = "registry_1"
VERSION = "1"
POLICY = "AND('CityMSP.peer', OR('NishitetsuMSP.peer', 'TriValleyMSP.peer'))"
COMMAND = ("-m", "chaincode.registry")


def registry_package() -> bytes:
    """The registry's package: it holds no code, for the registry is part of this installation."""
    code = _archive({"launch.json": json.dumps({"module": "chaincode.registry"}).encode()})
    return _archive({"metadata.json": json.dumps({"type": "python", "label": LABEL}).encode(), "code.tar.gz": code})


def _archive(files: Mapping[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)
