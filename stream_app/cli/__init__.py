"""The commands, grouped by what they serve; `stream_app.cli.main` gathers them."""
