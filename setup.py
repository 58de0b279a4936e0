"""The compiled parts; all else that is built and installed is described in pyproject.toml.

Each has a reference in Python that does the same, so an installation without a compiler goes without them.
"""

import sys

from setuptools import Extension, setup

# Sums must round as the reference's do: multiplications and additions stay apart.
FLAGS = ["/fp:precise"] if sys.platform == "win32" else ["-O3", "-ffp-contract=off"]

setup(
    ext_modules=[
        Extension(
            "stream_app.models.recommenders._source_table",
            ["models/recommenders/_source_table.c"],
            extra_compile_args=FLAGS,
            optional=True,
        )
    ]
)
