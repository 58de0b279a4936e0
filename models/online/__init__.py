"""Learning from a stream: learners, refits on bounded samples, and the choice of the champion."""
