"""The runtimes around the core: they read, call it, write and commit."""
