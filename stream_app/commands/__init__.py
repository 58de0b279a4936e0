"""The commands, grouped by what they serve; `stream_app.cli` gathers them."""
