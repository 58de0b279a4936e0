"""HTTP: the collector, to which browsers and servers send their events."""
