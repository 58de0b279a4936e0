"""The commands, one module each; `stream_app.cli.main` collects them."""
