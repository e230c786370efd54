"""The node plugin: Fabric's external builder for chaincode packages that need no Docker.

A peer hands every package that is installed to its external builders (`docs/source/cc_launcher.md`), as programs in a
folder's `bin`: `detect` says whether it takes the package, `build` makes what `release` and `run` need, `release` tells
the peer where a service is, and `run` is the chaincode's process. Here each is `python -m chaincode.builder NAME …`,
and `python -m chaincode.builder install DIR` writes the folder that core.yaml names.

Two types of package: `ccaas`, a service that the peer dials; `python`, a module that the peer launches, from a virtual
environment when the package requires something.
Standard library only: a peer starts these programs for every package, and they should be there at once.
"""
