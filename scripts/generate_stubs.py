"""Write mypy stubs for Fabric's messages to typings/, from the descriptors inside hyperledger-fabric-protos.

The package has no stubs of its own. `python scripts/generate_stubs.py --check` fails when the committed stubs
are not those of the installed package.
"""

import argparse
import importlib
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import fabric_protos
from google.protobuf import descriptor_pb2
from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor import FileDescriptor

TYPINGS = Path(__file__).resolve().parent.parent / "typings"
PREFIX = "fabric_protos/"


def descriptors() -> list[FileDescriptor]:
    """Every message file of the package, in the order of their module names."""
    found = []
    for module in pkgutil.walk_packages(fabric_protos.__path__, "fabric_protos."):
        if module.name.endswith("_pb2"):
            found.append(importlib.import_module(module.name).DESCRIPTOR)
    return found


def with_dependencies(files: list[FileDescriptor]) -> list[FileDescriptor]:
    """The files and what they import, dependencies first, as a protoc plugin expects them."""
    ordered: dict[str, FileDescriptor] = {}

    def visit(file: FileDescriptor) -> None:
        if file.name in ordered:
            return
        for dependency in file.dependencies:
            visit(dependency)
        ordered[file.name] = file

    for file in files:
        visit(file)
    return list(ordered.values())


def stub(file: FileDescriptor) -> descriptor_pb2.FileDescriptorProto:
    """The file as the plugin must see it: at the path from which Python imports it."""
    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    if not proto.name.startswith("google/"):
        proto.name = PREFIX + proto.name
    for index, name in enumerate(proto.dependency):
        if not name.startswith("google/"):
            proto.dependency[index] = PREFIX + name
    return proto


def generate(target: Path) -> None:
    files = descriptors()
    request = plugin_pb2.CodeGeneratorRequest(
        file_to_generate=[PREFIX + file.name for file in files],
        proto_file=[stub(file) for file in with_dependencies(files)],
        parameter="quiet",
    )
    for plugin in ("protoc-gen-mypy", "protoc-gen-mypy_grpc"):
        path = Path(sys.executable).parent / plugin
        done = subprocess.run([path], input=request.SerializeToString(), stdout=subprocess.PIPE, check=True)
        response = plugin_pb2.CodeGeneratorResponse.FromString(done.stdout)
        if response.error:
            raise SystemExit(response.error)
        for file in response.file:
            if plugin.endswith("grpc") and "Stub(" not in file.content:
                continue  # a file without services
            out = target / file.name
            out.parent.mkdir(parents=True, exist_ok=True)
            # A message with a field `collections` hides the module of that name within its class.
            content = file.content.replace("collections.abc", "_abc")
            content = content.replace("import _abc", "import collections.abc as _abc")
            out.write_text(content)
    root = target / "fabric_protos"
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        (folder / "__init__.pyi").touch()


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.pyi")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, and fail on a difference")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        generate(Path(temporary))
        made = Path(temporary) / "fabric_protos"
        if arguments.check:
            if tree(made) != tree(TYPINGS / "fabric_protos"):
                raise SystemExit("typings/fabric_protos is out of date: run this script without --check")
            return
        shutil.rmtree(TYPINGS / "fabric_protos", ignore_errors=True)
        shutil.copytree(made, TYPINGS / "fabric_protos")


if __name__ == "__main__":
    main()
