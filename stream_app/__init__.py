"""The clickstream engagement processor: a pure core, two runtimes, one command line."""
