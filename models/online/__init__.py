"""Learning from a stream: learners, refits on bounded samples, and who of them answers."""
