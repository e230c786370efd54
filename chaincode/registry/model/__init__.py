"""What the registry's contract and its clients agree on. Standard library only."""
