"""Real Fabric: peers and orderers of Fabric v3.1 as native processes, and the registry as a service beside each."""
