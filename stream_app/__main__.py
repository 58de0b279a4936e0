"""Where the program starts: `stream-app`, and `python -m stream_app`."""

from __future__ import annotations

import sys

from stream_app.cli.early_stop import stop_in_order


def main() -> None:
    """Run the command line, and be ready to stop before it is even imported."""
    stop_in_order(sys.argv[1:])
    from stream_app.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
