"""The collector: browsers and servers send their events to it over HTTP."""
