"""Adapters that turn foreign files and payloads into events of the contract."""
