"""From bytes to events: decoding, trackers' forms, cleaning, consent and privacy."""
